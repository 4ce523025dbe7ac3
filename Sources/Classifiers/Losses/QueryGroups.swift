import Networks

/// Evaluations that go through the network in groups, their forward passes kept for the way back as far
/// as there is room.
final class QueryGroups: @unchecked Sendable {
  /// What the passes kept may take; those beyond it are computed again.
  private static let mostBytes = 160 << 20

  let queries: [DenoisingQuery]
  private let pool: DenoiserPool
  /// Places in `queries`.
  private let parts: [Range<Int>]
  /// Of the first parts, touched by one worker at a time.
  private let kept: [any KeptEvaluations]

  /// Groups of a denoiser that keeps evaluations.
  init(_ pool: DenoiserPool, _ queries: [DenoisingQuery], keepsForBackward keeps: Bool) {
    (self.pool, self.queries) = (pool, queries)
    parts = equalParts(of: queries.count, atMost: KeptPasses.groupSize)
    let bytes = (pool.denoiser.keptBytes ?? 0) * KeptPasses.groupSize
    let count = keeps ? min(parts.count, Self.mostBytes / max(bytes, 1)) : 0
    kept = (0..<count).compactMap { _ in pool.borrow() }
  }

  deinit { for evaluations in kept { pool.giveBack(evaluations) } }

  /// What `body` returns for every part, over all workers: with its evaluations, which are kept or
  /// borrowed for the while.
  private func map<T: Sendable>(
    _ body: @Sendable (_ part: Range<Int>, any KeptEvaluations, _ isKept: Bool) -> [T]
  ) throws -> [T] {
    try pool.workers.map(parts.count) { index, _ in
      if index < kept.count { return body(parts[index], kept[index], true) }
      guard let borrowed = pool.borrow() else {
        preconditionFailure("a denoiser that keeps evaluations has no place for them")
      }
      defer { pool.giveBack(borrowed) }
      return body(parts[index], borrowed, false)
    }.flatMap(\.self)
  }

  /// The residuals of every query, `[labels, C·H·W]`.
  func residuals() throws -> [[Float]] {
    try map { part, evaluations, _ in
      var residuals: [[Float]] = []
      evaluations.keep(Array(queries[part])) { residuals.append(Array($1)) }
      return residuals
    }
  }

  /// (∂r/∂x)ᵀ v of every query for its v, `[C·H·W]` as v is; after `residuals`, once.
  func gradients(of cotangents: [[Float]]) throws -> [[Float]] {
    try map { part, evaluations, isKept in
      if !isKept { evaluations.keep(Array(queries[part])) { _, _ in } }
      var gradients: [[Float]] = []
      evaluations.differentiate { index, residual in
        let cotangent = cotangents[part.lowerBound + index]
        for i in cotangent.indices { residual[i] = cotangent[i] }
      } _: {
        gradients.append(Array($1))
      }
      return gradients
    }
  }
}
