import TensorCore

/// A denoiser D(x_σ; σ, y): a network with EDM preconditioning, or the closed form of a data set.
///
/// Images are planar `[C, H, W]` in [−1, 1] units, σ in the same units.
public protocol Denoiser: Sendable {
  /// Size of the images.
  var shape: ImageShape { get }
  /// Number of classes K; 0 for an unconditional model.
  var classCount: Int { get }
  /// Whether `label: nil`, the unconditional denoiser, is available.
  var isUnconditional: Bool { get }
  /// Scratch space and caches for one thread.
  func makeSession() -> any DenoiserSession
}

/// One thread's access to a denoiser.
///
/// Results depend on the arguments alone: not on the thread, the order or what else runs.
public protocol DenoiserSession: AnyObject {
  /// The residual r = D(x + σε; σ, y) − x, formed without cancellation at small σ.
  ///
  /// - Parameters:
  ///   - image: x, `[C·H·W]`, [−1, 1] units.
  ///   - noise: ε ~ N(0, I), `[C·H·W]`.
  ///   - sigma: noise level, > 0.
  ///   - label: class in `0 ..< classCount`, nil for the unconditional denoiser.
  ///   - residual: receives r, `[C·H·W]`.
  ///   - keepsForBackward: whether `pullback` will be called for this evaluation.
  func residual(
    image: Span<Float>, noise: Span<Float>, sigma: Float, label: Int?,
    into residual: inout MutableSpan<Float>, keepsForBackward: Bool)

  /// The gradient (∂r/∂x)ᵀ v of the last `residual` that was kept, with ε held fixed.
  ///
  /// x counts through both places it stands in: x + σε and −x.
  ///
  /// - Parameters:
  ///   - cotangent: v, `[C·H·W]`.
  ///   - gradient: receives the result, `[C·H·W]`.
  func pullback(of cotangent: Span<Float>, into gradient: inout MutableSpan<Float>)
}
