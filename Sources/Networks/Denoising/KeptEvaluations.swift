import TensorCore

/// Evaluations that wait for their gradients: one forward pass gives the losses and, when all of them
/// are known and with them what each weighs, serves the way back.
///
/// Used by one thread at a time, not always the same.
public protocol KeptEvaluations: AnyObject {
  /// Evaluates `queries` in the place of what was kept before.
  ///
  /// - Parameter body: called with each query's index and its residuals, `[labels, C·H·W]`, in order.
  func keep(
    _ queries: [DenoisingQuery], _ body: (_ index: Int, _ residuals: Span<Float>) -> Void)

  /// The gradient of each query kept, Σ_y (∂r_y/∂x)ᵀ v_y with ε held fixed; asked for once.
  ///
  /// - Parameters:
  ///   - cotangent: called once for each query in order, with its index and all r_y,
  ///     `[labels, C·H·W]`, which it replaces by v_y.
  ///   - body: called with the gradient of each query in order, `[C·H·W]`, with its index.
  func differentiate(
    cotangent: (_ index: Int, _ residuals: inout MutableSpan<Float>) -> Void,
    _ body: (_ index: Int, _ gradient: Span<Float>) -> Void)
}

extension EDMDenoiser {
  public var keptBytes: Int? {
    network.architecture.scratchCount(keeping: .forInput) * MemoryLayout<Float>.stride
  }

  public func makeKeptEvaluations() -> (any KeptEvaluations)? { Kept(self) }

  /// One group, in scratch memory of its own.
  private final class Kept: KeptEvaluations {
    private let session: Session
    private var (queries, group): ([DenoisingQuery], [Session.Part]) = ([], [])
    private var cache: UNet.Cache?

    init(_ denoiser: EDMDenoiser) { session = Session(denoiser) }

    func keep(
      _ queries: [DenoisingQuery], _ body: (_ index: Int, _ residuals: Span<Float>) -> Void
    ) {
      self.queries = queries
      group = session.wholeGroup(queries)
      session.arena.release(to: .start)
      let cache = session.forward(queries, group, keeping: .forInput)
      self.cache = cache
      for part in group {
        let mark = session.arena.mark
        body(part.index, session.read(cache.output, queries[part.index], part).span)
        session.arena.release(to: mark)
      }
    }

    func differentiate(
      cotangent: (_ index: Int, _ residuals: inout MutableSpan<Float>) -> Void,
      _ body: (_ index: Int, _ gradient: Span<Float>) -> Void
    ) {
      guard let cache else { preconditionFailure("no evaluation is kept") }
      self.cache = nil
      session.pullback(queries, group, cache, cotangent: cotangent, body)
    }
  }
}
