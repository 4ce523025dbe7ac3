import Basics
import CKernels
import TensorCore

/// A 1×1, 3×3 or 1×3 convolution with bias, stride 1, zero padding to the same size.
///
/// An image's result depends on that image and the weights alone, not on what else is in its map.
public struct Convolution: Sendable {
  /// Input channels.
  public let inputs: Int
  /// Output channels.
  public let outputs: Int
  /// Filter columns, 1 or 3.
  public let kernel: Int
  /// Filter rows: as many, or 1 where the maps are signals, of one row.
  public let kernelRows: Int
  /// Bias, `[aligned(outputs)]`.
  public let bias: AlignedBuffer

  private let shape: KernelShape
  /// Made when first used: whoever only evaluates does not pay for the backward pass's.
  private let forwardKernel, backwardKernel: Deferred<ConvolutionKernel>
  private let gradientAlgorithm: ConvolutionAlgorithm
  private let smallestSide: Int

  /// - Parameters:
  ///   - weight: `[outputs, inputs, kernelRows, kernel]`, row-major.
  ///   - bias: `[outputs]`.
  ///   - kernelRows: 1, or `kernel` by default.
  ///   - inputStride: floats a pixel of the maps this layer reads; `aligned(inputs)` by default.
  ///   - side: of the maps, which decides how it is computed fastest.
  ///   - algorithm: how to compute it instead, in both directions and for the gradient.
  ///   - precision: of the products of 1×1 filters, and of 3×3 filters where Winograd's filtering computes
  ///     them, in both directions, from 16 input channels on; the rest, and the weights' gradient, are in
  ///     Float32.
  public init(
    weight: [Float], bias: [Float], inputs: Int, outputs: Int, kernel: Int,
    kernelRows: Int? = nil, inputStride: Int? = nil, side: Int,
    algorithm: ConvolutionAlgorithm? = nil, precision: Precision = .fp32
  ) {
    precondition(kernel == 1 || kernel == 3, "kernel is 1 or 3, got \(kernel)")
    let rows = kernelRows ?? kernel
    precondition(rows == 1 || rows == kernel, "kernelRows is 1 or \(kernel), got \(rows)")
    precondition(bias.count == outputs, "bias has \(bias.count) values, expected \(outputs)")
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.kernelRows = rows
    self.bias = AlignedBuffer(bias, paddedTo: aligned(outputs))
    let stride = inputStride ?? aligned(inputs)
    shape = KernelShape(
      rows: rows, columns: kernel, inputs: inputs, outputs: outputs, inputStride: stride)
    let adjoint = KernelShape(
      rows: rows, columns: kernel, inputs: outputs, outputs: inputs, inputStride: aligned(outputs))
    let forward = algorithm ?? .best(for: shape, side: side, precision: precision)
    let backward = algorithm ?? .best(for: adjoint, side: side, precision: precision)
    gradientAlgorithm = algorithm ?? .bestForGradient(of: shape, side: side)
    smallestSide = [forward, backward, gradientAlgorithm].map(\.smallestSide).max() ?? 1
    let filters = FilterBank(
      weight, outputs: outputs, inputs: inputs, rows: rows, columns: kernel)
    forwardKernel = Deferred {
      ConvolutionKernel(forward, filters, inputStride: stride, precision: precision)
    }
    backwardKernel = Deferred {
      ConvolutionKernel(
        backward, filters.adjoint, inputStride: aligned(outputs), precision: precision)
    }
  }

  /// A way through the layer.
  public enum Direction: Sendable {
    /// From input to output.
    case forward
    /// From the output's gradient to the input's.
    case backward
  }

  /// Makes the weights of one direction, which its first use does otherwise.
  public func prepare(_ direction: Direction) {
    switch direction {
    case .forward: _ = forwardKernel.value
    case .backward: _ = backwardKernel.value
    }
  }

  /// y = (x ∗ W + bias + addend)·scale.
  ///
  /// - Parameters:
  ///   - x: `[N, H, W, inputs]`, border at least ⌊kernel/2⌋.
  ///   - y: receives `[N, H, W, outputs]`, any border; may be `addend`.
  ///   - biases: replace the layer's own bias, `[N, aligned(outputs)]`.
  ///   - addend: `[N, H, W, outputs]`, any border.
  ///   - arena: scratch memory, given back.
  public func forward(
    _ x: FeatureMap, into y: FeatureMap, biases: UnsafePointer<Float>? = nil,
    addend: FeatureMap? = nil, scale: Float = 1, in arena: Arena
  ) {
    precondition(x.stride == shape.inputStride && y.stride == aligned(outputs), "got \(x) → \(y)")
    apply(
      forwardKernel.value, x, into: y,
      start: ChannelValues(
        base: biases ?? UnsafePointer(bias.base), step: biases == nil ? 0 : aligned(outputs)),
      addend: addend, scale: scale, in: arena)
  }

  /// dx = dy ∗ Wᵀ + addend.
  ///
  /// - Parameters:
  ///   - dy: `[N, H, W, outputs]`, border at least ⌊kernel/2⌋.
  ///   - dx: receives `[N, H, W, inputs]`, any border; may be `addend`.
  ///   - arena: scratch memory, given back.
  public func backward(
    _ dy: FeatureMap, into dx: FeatureMap, addend: FeatureMap? = nil, in arena: Arena
  ) {
    precondition(dy.stride == aligned(outputs) && dx.stride == aligned(inputs), "got \(dy) → \(dx)")
    apply(
      backwardKernel.value, dy, into: dx, start: nil, addend: addend, scale: 1, in: arena)
  }

  /// Adds the gradient of the weights, in the layer's own form, and of the bias,
  /// `[aligned(outputs)]`, summed over the images in an order that the map's size decides.
  ///
  /// - Parameters:
  ///   - dw: `weightGradientCount` floats.
  ///   - x: the forward pass's input, same border.
  ///   - dy: `[N, H, W, outputs]`, any border.
  ///   - arena: scratch memory, given back.
  public func accumulate(
    weight dw: UnsafeMutablePointer<Float>, bias db: UnsafeMutablePointer<Float>, x: FeatureMap,
    dy: FeatureMap, in arena: Arena
  ) {
    gradientAlgorithm.accumulate(dw, shape, x: x, dy: dy, in: arena)
    addChannelSums(of: dy, to: db)
  }

  /// Number of floats that `accumulate` adds weight gradients to.
  public var weightGradientCount: Int { gradientAlgorithm.gradientCount(shape) }

  /// The gradient `[outputs, inputs, kernelRows, kernel]` from an accumulated one.
  public func weightGradient(_ dw: UnsafePointer<Float>) -> [Float] {
    gradientAlgorithm.filterGradient(dw, shape)
  }

  private func apply(
    _ kernel: ConvolutionKernel, _ x: FeatureMap, into y: FeatureMap,
    start: ChannelValues?, addend: FeatureMap?, scale: Float, in arena: Arena
  ) {
    precondition(
      x.images == y.images && x.height == y.height && x.width == y.width
        && x.border >= self.kernel / 2
        && min(y.height, y.width) >= smallestSide,
      "convolution \(inputs)→\(outputs) of \(kernelRows)×\(self.kernel) got \(x) → \(y)")
    kernel.apply(x, into: y, start: start, addend: addend, scale: scale, in: arena)
  }
}

/// Adds every channel's sum over the pixels of all images of `map` to `sums`, `[map.stride]`.
public func addChannelSums(of map: FeatureMap, to sums: UnsafeMutablePointer<Float>) {
  kernels.add_channel_sums(map.view, sums)
}
