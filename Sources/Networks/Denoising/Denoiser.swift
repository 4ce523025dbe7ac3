import TensorCore

/// A denoiser D(x_σ; σ, y): a network with EDM preconditioning, or the closed form of a data set.
///
/// Images are planar `[C, H, W]` in [−1, 1] units, σ in the same units.
public protocol Denoiser: Sendable {
  /// Size of the images.
  var shape: ImageShape { get }
  /// Number of classes K; 0 for an unconditional model.
  var classCount: Int { get }
  /// Whether `nil` is a label: the unconditional denoiser is available.
  var isUnconditional: Bool { get }
  /// Whether one network evaluation gives the residuals of all classes.
  var isMultiHead: Bool { get }
  /// Scratch space and caches for one thread.
  func makeSession() -> any DenoiserSession
}

/// One thread's access to a denoiser: residuals r_y = D(x + σε; σ, y) − x at one image, noise and
/// noise level, for as many labels as are asked for.
///
/// What labels have in common is computed once; each label's residual is the same, to the last bit,
/// as alone. Results depend on the arguments: not on the thread, the order or what else runs.
///
/// Arguments of both calls: image x `[C·H·W]`, [−1, 1] units; noise ε ~ N(0, I) `[C·H·W]`; sigma > 0;
/// labels in `0 ..< classCount`, nil for the unconditional denoiser.
public protocol DenoiserSession: AnyObject {
  /// The residuals, formed without cancellation at small σ.
  ///
  /// - Parameter residuals: receives r, `[labels.count, C·H·W]`.
  func residuals(
    image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
    into residuals: inout MutableSpan<Float>)

  /// The gradient Σ_y (∂r_y/∂x)ᵀ v_y with ε held fixed; x counts through both places it stands in,
  /// x + σε and −x.
  ///
  /// - Parameters:
  ///   - gradient: receives the result, `[C·H·W]`.
  ///   - cotangent: called once for each label in order, with its index in `labels` and r_y, which it
  ///     replaces by v_y.
  func gradient(
    image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
    into gradient: inout MutableSpan<Float>,
    cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void)
}
