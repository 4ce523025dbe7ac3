import CKernels
import TensorCore

extension FeatureMap {
  /// This map and `y`, equal channels and images, as the inner loops take them, which sample their input
  /// in three ways: as it is, nearest ×2, or the 2×2 mean; of signals, which have one row, along that row
  /// alone: nearest ×2, or the mean of two. Which, follows from the sizes.
  func resampled(to y: FeatureMap) -> (from: kernel_map, to: kernel_map) {
    precondition(
      stride == y.stride && images == y.images
        && ((height == y.height && width == y.width)
          || (height * 2 == y.height && width * 2 == y.width)
          || (height == y.height * 2 && width == y.width * 2)
          || (height == 1 && y.height == 1 && (width * 2 == y.width || width == y.width * 2))),
      "cannot resample \(self) to \(y)")
    return (view, y.view)
  }
}

/// Nearest ×2 or the mean of 2×2 pixels, or of two of a signal, chosen by the sizes; equal sizes
/// copy.
public func resample(_ x: FeatureMap, into y: FeatureMap) { scale(x, by: 1, into: y) }

/// The adjoint of `resample`: dx = (∂y/∂x)ᵀ dy.
///
/// The adjoint of nearest ×2 is four times the 2×2 mean; that of the 2×2 mean a quarter of nearest
/// ×2; of signals, twice and half.
public func resampleBackward(_ dy: FeatureMap, into dx: FeatureMap) {
  scale(dy, by: Float(dy.pixels) / Float(dx.pixels), into: dx)
}
