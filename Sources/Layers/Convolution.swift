import TensorCore

/// A 1×1 or 3×3 convolution with bias, stride 1, zero padding to the same size.
///
/// One image a call; the result depends on that image and the weights alone.
public struct Convolution: Sendable {
  /// Input channels.
  public let inputs: Int
  /// Output channels.
  public let outputs: Int
  /// Filter side, 1 or 3.
  public let kernel: Int
  /// Bias, `[aligned(outputs)]`.
  public let bias: AlignedBuffer

  private let forwardWeights: PackedWeights
  private let backwardWeights: PackedWeights

  /// - Parameters:
  ///   - weight: `[outputs, inputs, kernel, kernel]`, row-major.
  ///   - bias: `[outputs]`.
  ///   - inputStride: floats a pixel of the maps this layer reads; `aligned(inputs)` by default.
  public init(
    weight: [Float], bias: [Float], inputs: Int, outputs: Int, kernel: Int, inputStride: Int? = nil
  ) {
    precondition(kernel == 1 || kernel == 3, "kernel is 1 or 3, got \(kernel)")
    precondition(
      weight.count == outputs * inputs * kernel * kernel,
      "weight has \(weight.count) values, expected \(outputs)×\(inputs)×\(kernel)×\(kernel)")
    precondition(bias.count == outputs, "bias has \(bias.count) values, expected \(outputs)")
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.bias = AlignedBuffer(bias, paddedTo: aligned(outputs))
    forwardWeights = PackedWeights(
      kernel: kernel, inputs: inputs, inputStride: inputStride ?? aligned(inputs), outputs: outputs
    ) { o, i, y, x in weight[((o * inputs + i) * kernel + y) * kernel + x] }
    // The adjoint of a correlation is the correlation with the filter turned by 180°.
    backwardWeights = PackedWeights(
      kernel: kernel, inputs: outputs, inputStride: aligned(outputs), outputs: inputs
    ) { o, i, y, x in
      weight[((i * inputs + o) * kernel + kernel - 1 - y) * kernel + kernel - 1 - x]
    }
  }

  /// y = (x ∗ W + bias + addend)·scale.
  ///
  /// - Parameters:
  ///   - x: `[H, W, inputs]`, border at least ⌊kernel/2⌋.
  ///   - y: receives `[H, W, outputs]`, any border; may be `addend`.
  ///   - bias: replaces the layer's own bias, `[aligned(outputs)]`.
  ///   - addend: `[H, W, outputs]`, any border.
  public func forward(
    _ x: FeatureMap, into y: FeatureMap, bias: UnsafePointer<Float>? = nil,
    addend: FeatureMap? = nil, scale: Float = 1
  ) {
    convolve(
      forwardWeights, x, into: y, start: bias ?? UnsafePointer(self.bias.base), addend: addend,
      scale: scale)
  }

  /// dx = dy ∗ Wᵀ + addend.
  ///
  /// - Parameters:
  ///   - dy: `[H, W, outputs]`, border at least ⌊kernel/2⌋.
  ///   - dx: receives `[H, W, inputs]`, any border; may be `addend`.
  public func backward(_ dy: FeatureMap, into dx: FeatureMap, addend: FeatureMap? = nil) {
    convolve(backwardWeights, dy, into: dx, start: nil, addend: addend, scale: 1)
  }

  /// Adds the gradient of the weights, `[kernel, kernel, inputStride, aligned(outputs)]`, and of
  /// the bias, `[aligned(outputs)]`.
  ///
  /// - Parameters:
  ///   - x: the forward pass's input, same border.
  ///   - dy: `[H, W, outputs]`, any border.
  public func accumulate(
    weight dw: UnsafeMutablePointer<Float>, bias db: UnsafeMutablePointer<Float>, x: FeatureMap,
    dy: FeatureMap
  ) {
    let stride = aligned(outputs)
    let contraction = Contraction(
      segments: dy.height, run: dy.width, aRow: 1, aSegment: x.rowStride, aStep: x.stride,
      bSegment: dy.rowStride, bStep: dy.stride)
    for panel in PackedWeights.panels(stride) {
      for y in 0..<kernel {
        for column in 0..<kernel {
          let block =
            dw + (y * kernel + column) * forwardWeights.inputStride * stride + panel.lowerBound
          contraction(
            rows: forwardWeights.inputStride, width: panel.count,
            a: UnsafePointer(x.row(y - kernel / 2) + (column - kernel / 2) * x.stride),
            b: UnsafePointer(dy.row(0) + panel.lowerBound), start: nil,
            into: .init(block, cRow: stride, addend: UnsafePointer(block), addendRow: stride))
        }
      }
    }
    addChannelSums(of: dy, to: db)
  }

  /// Number of floats that `accumulate` adds weight gradients to.
  public var weightGradientCount: Int {
    kernel * kernel * forwardWeights.inputStride * aligned(outputs)
  }

  /// Rearranges an accumulated weight gradient to `[outputs, inputs, kernel, kernel]`.
  public func weightGradient(_ dw: UnsafePointer<Float>) -> [Float] {
    let stride = aligned(outputs)
    var result = [Float](repeating: 0, count: outputs * inputs * kernel * kernel)
    for o in 0..<outputs {
      for i in 0..<inputs {
        for tap in 0..<(kernel * kernel) {
          result[(o * inputs + i) * kernel * kernel + tap] =
            dw[(tap * forwardWeights.inputStride + i) * stride + o]
        }
      }
    }
    return result
  }

  private func convolve(
    _ weights: PackedWeights, _ x: FeatureMap, into y: FeatureMap, start: UnsafePointer<Float>?,
    addend: FeatureMap?, scale: Float
  ) {
    precondition(
      x.stride == weights.inputStride && y.stride == weights.outputStride
        && x.height == y.height && x.width == y.width && x.border >= kernel / 2,
      "convolution \(inputs)→\(outputs) of \(kernel)×\(kernel) got \(x) → \(y)")
    let contraction = Contraction(
      segments: kernel, run: kernel * x.stride, aRow: x.stride, aSegment: x.rowStride, aStep: 1,
      bSegment: 0, bStep: 0)
    for panel in PackedWeights.panels(weights.outputStride) {
      var contraction = contraction
      contraction.bStep = panel.count
      contraction.bSegment = kernel * x.stride * panel.count
      let b = weights.panel(at: panel.lowerBound)
      for row in 0..<y.height {
        contraction(
          rows: y.width, width: panel.count,
          a: UnsafePointer(x.row(row - kernel / 2) - kernel / 2 * x.stride), b: b,
          start: start.map { $0 + panel.lowerBound },
          into: .init(
            y.row(row) + panel.lowerBound, cRow: y.stride,
            addend: addend.map { UnsafePointer($0.row(row) + panel.lowerBound) },
            addendRow: addend?.stride ?? 0, scale: scale))
      }
    }
  }
}

/// Adds every channel's sum over the pixels of `map` to `sums`, `[map.stride]`.
public func addChannelSums(of map: FeatureMap, to sums: UnsafeMutablePointer<Float>) {
  for c in Swift.stride(from: 0, to: map.stride, by: Lanes.scalarCount) {
    var total = Lanes.zero
    for y in 0..<map.height {
      let row = map.row(y) + c
      for x in 0..<map.width { total += Lanes(at: row + x * map.stride) }
    }
    (Lanes(at: sums + c) + total).store(to: sums + c)
  }
}
