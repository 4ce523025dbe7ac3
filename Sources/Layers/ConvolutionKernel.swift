import TensorCore

/// The ways to compute a convolution; they differ in rounding, speed and memory.
public enum ConvolutionAlgorithm: Sendable, CaseIterable {
  /// Sums of products as they stand in the definition.
  case direct
  /// Winograd F(2×2, 3×3): 4/9 of the products, 16/9 of the weights' memory.
  case winograd2
  /// Winograd F(4×4, 3×3): 1/4 of the products, four times the weights' memory.
  case winograd4

  /// The best for maps of `side` pixels a side, as measured with `elbow bench`.
  ///
  /// Many channels on a small map have weights larger than the caches and few tiles to use them on:
  /// there F(4×4) is hardly faster than F(2×2) and takes more than twice the memory.
  static func best(
    kernel: Int, inputs: Int, inputStride: Int, outputs: Int, side: Int
  ) -> Self {
    guard kernel == 3, inputs >= channelAlignment, inputStride == aligned(inputs), side >= 4
    else { return .direct }
    return side >= 24 || inputs * outputs <= 1 << 14 ? .winograd4 : .winograd2
  }

  /// Smallest map side that it can compute.
  public var smallestSide: Int {
    switch self {
    case .direct: 1
    case .winograd2: WinogradTile2.outputs
    case .winograd4: WinogradTile4.outputs
    }
  }
}

/// The values of a filter bank, by output channel, input channel, row and column.
typealias FilterValue = (_ o: Int, _ i: Int, _ y: Int, _ x: Int) -> Float

/// Prepared weights of one direction of a convolution, and the way to apply them.
///
/// Cases rather than a protocol, so that each algorithm is compiled for its own tile.
enum ConvolutionKernel: Sendable {
  case direct(DirectKernel)
  case winograd2(WinogradKernel<WinogradTile2>)
  case winograd4(WinogradKernel<WinogradTile4>)

  /// Prepares `weight` for `outputs` × `inputs` channels.
  ///
  /// - Parameters:
  ///   - side: of the filter.
  ///   - inputStride: floats a pixel of the input map.
  init(
    _ algorithm: ConvolutionAlgorithm, side: Int, inputs: Int, inputStride: Int, outputs: Int,
    weight: FilterValue
  ) {
    precondition(
      algorithm == .direct || (side == 3 && inputStride == aligned(inputs)),
      "\(algorithm) computes 3×3 filters over aligned maps only")
    switch algorithm {
    case .direct:
      self = .direct(
        DirectKernel(
          side: side, inputs: inputs, inputStride: inputStride, outputs: outputs, weight: weight))
    case .winograd2:
      self = .winograd2(WinogradKernel(inputs: inputs, outputs: outputs, weight: weight))
    case .winograd4:
      self = .winograd4(WinogradKernel(inputs: inputs, outputs: outputs, weight: weight))
    }
  }

  /// y = (x ∗ W + start + addend)·scale.
  ///
  /// - Parameters:
  ///   - x: `[H, W, C]`, border at least half the filter.
  ///   - y: receives `[H, W, C']`, any border; may be `addend`.
  ///   - start: a value a channel of y, nil for 0.
  ///   - arena: scratch memory, given back.
  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: UnsafePointer<Float>?, addend: FeatureMap?,
    scale: Float, in arena: Arena
  ) {
    switch self {
    case .direct(let kernel):
      kernel.apply(x, into: y, start: start, addend: addend, scale: scale)
    case .winograd2(let kernel):
      kernel.apply(x, into: y, start: start, addend: addend, scale: scale, in: arena)
    case .winograd4(let kernel):
      kernel.apply(x, into: y, start: start, addend: addend, scale: scale, in: arena)
    }
  }
}
