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
  /// Rows that it computes best at once, whoever asks for them; nil: each thread computes its own.
  var preferredBatch: Int? { get }
  /// Scratch space and caches for one thread.
  func makeSession() -> any DenoiserSession
  /// Bytes that an evaluation takes up until its gradient is asked for; nil: it keeps none.
  var keptBytes: Int? { get }
  /// A place for a group of evaluations that wait for their gradients; nil: it keeps none.
  func makeKeptEvaluations() -> (any KeptEvaluations)?
}

extension Denoiser {
  public var preferredBatch: Int? { nil }
  public var keptBytes: Int? { nil }
  public func makeKeptEvaluations() -> (any KeptEvaluations)? { nil }
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
  /// - Throws: what keeps a denoiser in another process from answering.
  func residuals(
    image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
    into residuals: inout MutableSpan<Float>) throws

  /// The residuals of several queries, `[labels, C·H·W]`, each given to `body` with its index, in order.
  ///
  /// - Throws: as `residuals`.
  func evaluate(
    _ queries: [DenoisingQuery], _ body: (_ index: Int, _ residuals: Span<Float>) -> Void) throws

  /// The gradient Σ_y (∂r_y/∂x)ᵀ v_y with ε held fixed; x counts through both places it stands in,
  /// x + σε and −x.
  ///
  /// - Parameters:
  ///   - gradient: receives the result, `[C·H·W]`.
  ///   - cotangent: called once for each label in order, with its index in `labels` and r_y, which it
  ///     replaces by v_y.
  /// - Throws: as `residuals`.
  func gradient(
    image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
    into gradient: inout MutableSpan<Float>,
    cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void) throws

  /// The gradient of a loss: as the other one, v_y being made of r_y.
  func gradient(
    image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
    into gradient: inout MutableSpan<Float>, of cotangent: ResidualCotangent) throws
}

/// v_y of a denoising loss: ∂(Σ_i r_i²/2) or ∂(Σ_i |r_i|) for the residual, times a factor a label.
public struct ResidualCotangent: Sendable {
  /// Which loss.
  public enum Form: Sendable {
    /// v = factor·r.
    case residual
    /// v = factor·sign r.
    case sign
  }

  /// Which loss.
  public var form: Form
  /// One a label.
  public var factors: [Float]

  /// The cotangent as given.
  public init(_ form: Form, factors: [Float]) { (self.form, self.factors) = (form, factors) }

  /// Puts v in the place of r of all labels, `[labels, C·H·W]`.
  public func replaceAll(_ residuals: inout MutableSpan<Float>) {
    let size = residuals.count / max(factors.count, 1)
    for (label, factor) in factors.enumerated() {
      let range = label * size..<(label + 1) * size
      if factor == 0 {
        // Also where r is not finite.
        for i in range { residuals[i] = 0 }
      } else {
        for i in range {
          let r = residuals[i]
          residuals[i] = form == .residual ? factor * r : r > 0 ? factor : r < 0 ? -factor : 0
        }
      }
    }
  }

  /// Puts v in the place of r.
  @inlinable
  public func replace(_ index: Int, _ residual: inout MutableSpan<Float>) {
    let factor = factors[index]
    switch form {
    case .residual: for i in residual.indices { residual[i] *= factor }
    case .sign:
      for i in residual.indices {
        let r = residual[i]
        residual[i] = r > 0 ? factor : r < 0 ? -factor : 0
      }
    }
  }
}

extension DenoiserSession {
  /// One after the other.
  public func evaluate(
    _ queries: [DenoisingQuery], _ body: (_ index: Int, _ residuals: Span<Float>) -> Void
  ) throws {
    for (index, query) in queries.enumerated() {
      var values = [Float](repeating: 0, count: query.labels.count * query.image.count)
      var span = values.mutableSpan
      try residuals(
        image: query.image.span, noise: query.noise.span, sigma: query.sigma, labels: query.labels,
        into: &span)
      body(index, values.span)
    }
  }

  public func gradient(
    image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
    into gradient: inout MutableSpan<Float>, of cotangent: ResidualCotangent
  ) throws {
    try self.gradient(
      image: image, noise: noise, sigma: sigma, labels: labels, into: &gradient,
      cotangent: cotangent.replace)
  }
}
