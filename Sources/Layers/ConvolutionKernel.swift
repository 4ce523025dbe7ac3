import Basics
import TensorCore

/// The ways to compute a convolution; they differ in rounding, speed and memory.
public enum ConvolutionAlgorithm: Sendable, CaseIterable {
  /// Sums of products as they stand in the definition.
  case direct
  /// Winograd F(2×2, 3×3): 4/9 of the products, 16/9 of the weights' memory.
  case winograd2
  /// Winograd F(4×4, 3×3): 1/4 of the products, four times the weights' memory.
  case winograd4
  /// Winograd F(4, 3) along lines, of products in bfloat16: 1/2 of them, twice the weights' memory. In
  /// Float32, and for the gradient of the filters, `winograd4`.
  case winogradLines

  /// The best for maps of `side` pixels a side, as measured with `elbow bench`.
  ///
  /// Many channels on a small map have weights larger than the caches and few tiles to use them on:
  /// there F(4×4) is hardly faster than F(2×2) and takes more than twice the memory.
  /// Tiles of AMX multiply so fast that reading operands and transforms count as much: F(4, 3) along lines
  /// has half of the weights of F(4×4) and a third of its transforms.
  static func best(for shape: KernelShape, side: Int, precision: Precision) -> Self {
    guard shape.canTransform, side >= 4 else { return .direct }
    if precision == .bf16, BFloat16.current.hasTiles { return .winogradLines }
    return side >= 24 || shape.inputs * shape.outputs <= 1 << 14 ? .winograd4 : .winograd2
  }

  /// The best for the gradient of the filters, which is read and written once a group of images.
  static func bestForGradient(of shape: KernelShape, side: Int) -> Self {
    guard shape.canTransform, side >= 4 else { return .direct }
    return side >= 12 || shape.inputs * shape.outputs <= 1 << 14 ? .winograd4 : .direct
  }

  /// Smallest map side that it can compute.
  public var smallestSide: Int {
    switch self {
    case .direct: 1
    case .winograd2: WinogradTile2.outputs
    case .winograd4, .winogradLines: WinogradTile4.outputs
    }
  }
}

/// Prepared weights of one direction of a convolution, and the way to apply them.
///
/// Cases rather than a protocol, so that each algorithm is compiled for its own tile.
enum ConvolutionKernel: Sendable {
  case direct(DirectKernel)
  case narrow(NarrowKernel)
  case winograd2(WinogradKernel<WinogradTile2>)
  case winograd4(WinogradKernel<WinogradTile4>)
  case winogradLines(WinogradLineKernel)

  /// Prepares `filters` for maps of `inputStride` floats a pixel.
  ///
  /// - Parameter precision: of the products of Winograd's filtering and of 1×1 filters; other sums as they
  ///   stand in the definition are in Float32.
  init(
    _ algorithm: ConvolutionAlgorithm, _ filters: FilterBank, inputStride: Int,
    precision: Precision
  ) {
    precondition(
      algorithm == .direct
        || (filters.rows * filters.columns == 9 && inputStride == aligned(filters.inputs)),
      "\(algorithm) computes 3×3 filters over aligned maps only")
    self =
      switch algorithm {
      case .direct:
        Self.direct(DirectKernel(filters, inputStride: inputStride), precision: precision)
      case .winograd2: .winograd2(WinogradKernel(filters, precision: precision))
      case .winogradLines where precision == .bf16: .winogradLines(WinogradLineKernel(filters))
      case .winograd4, .winogradLines: .winograd4(WinogradKernel(filters, precision: precision))
      }
  }

  private static func direct(_ kernel: DirectKernel, precision: Precision) -> Self {
    precision == .bf16 && NarrowKernel.fits(kernel.shape)
      ? .narrow(NarrowKernel(kernel)) : .direct(kernel)
  }

  /// y = (x ∗ W + start + addend)·scale.
  ///
  /// - Parameters:
  ///   - x: `[N, H, W, C]`, border at least half the filter.
  ///   - y: receives `[N, H, W, C']`, any border; may be `addend`.
  ///   - start: a value a channel of y, nil for 0.
  ///   - arena: scratch memory, given back.
  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: ChannelValues?, addend: FeatureMap?,
    scale: Float, in arena: Arena
  ) {
    switch self {
    case .direct(let kernel):
      kernel.apply(x, into: y, start: start, addend: addend, scale: scale)
    case .narrow(let kernel):
      kernel.apply(x, into: y, start: start, addend: addend, scale: scale, in: arena)
    case .winograd2(let kernel):
      kernel.apply(x, into: y, start: start, addend: addend, scale: scale, in: arena)
    case .winograd4(let kernel):
      kernel.apply(x, into: y, start: start, addend: addend, scale: scale, in: arena)
    case .winogradLines(let kernel):
      kernel.apply(x, into: y, start: start, addend: addend, scale: scale, in: arena)
    }
  }
}

/// A value a channel, for all images or for each.
struct ChannelValues {
  var base: UnsafePointer<Float>
  /// Floats from one image's values to the next, 0 where all have the same.
  var step: Int

  @inline(__always)
  subscript(image: Int) -> UnsafePointer<Float> { base + image * step }
}

/// The gradient of the filters.
extension ConvolutionAlgorithm {
  /// Number of floats that `accumulate` adds to.
  func gradientCount(_ shape: KernelShape) -> Int {
    switch self {
    case .direct: DirectKernel.gradientCount(shape)
    case .winograd2: WinogradKernel<WinogradTile2>.gradientCount(shape)
    case .winograd4, .winogradLines: WinogradKernel<WinogradTile4>.gradientCount(shape)
    }
  }

  /// Adds the gradient of the filters, in the algorithm's own form.
  ///
  /// - Parameters:
  ///   - x: the forward pass's input.
  ///   - dy: gradient of its output, any border.
  func accumulate(
    _ gradient: UnsafeMutablePointer<Float>, _ shape: KernelShape, x: FeatureMap, dy: FeatureMap,
    in arena: Arena
  ) {
    switch self {
    case .direct: DirectKernel.accumulate(gradient, shape, x: x, dy: dy)
    case .winograd2:
      WinogradKernel<WinogradTile2>.accumulate(gradient, shape, x: x, dy: dy, in: arena)
    case .winograd4, .winogradLines:
      WinogradKernel<WinogradTile4>.accumulate(gradient, shape, x: x, dy: dy, in: arena)
    }
  }

  /// The gradient `[outputs, inputs, rows, columns]` from an accumulated one.
  func filterGradient(_ gradient: UnsafePointer<Float>, _ shape: KernelShape) -> [Float] {
    switch self {
    case .direct: DirectKernel.filterGradient(gradient, shape)
    case .winograd2: WinogradKernel<WinogradTile2>.filterGradient(gradient, shape)
    case .winograd4, .winogradLines: WinogradKernel<WinogradTile4>.filterGradient(gradient, shape)
    }
  }
}
