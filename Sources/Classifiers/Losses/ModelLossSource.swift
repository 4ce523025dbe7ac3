import Networks
import Records
import TensorCore

/// The losses of one image under a live denoiser.
struct ModelLossSource: LossSource {
  let pool: DenoiserPool
  let plan: ClassifierPlan
  /// x, planar, [−1, 1] units.
  let image: [Float]
  let key: ImageKey
  let stream: NoiseStream
  /// Where passes are kept for their gradients; nil: none is.
  var kept: KeptPasses?

  var classCount: Int { plan.classCount }
  var sharesEvaluations: Bool { plan.sharesEvaluations(isMultiHead: pool.denoiser.isMultiHead) }

  func losses(classes: [Int], timesteps: [Int], draw: Int) throws -> [Float] {
    let groups =
      kept?.groups(
        classes: classes, timesteps: timesteps, draw: draw, sharingEvaluations: sharesEvaluations)
      ?? []
    // Columns of each row that no group answers for.
    var open = timesteps.map { _ in Array(classes.indices) }
    for cell in groups.flatMap(\.cells) { open[cell.row].removeAll(where: cell.columns.contains) }
    let limit = pool.labelsPerCall(of: classes.count, levels: timesteps.count)
    let parts = open.enumerated().flatMap { row, columns in
      plan.parts(of: columns, sharingEvaluations: sharesEvaluations, atMost: limit).map {
        (row: row, columns: Array($0))
      }
    }
    let calls = equalParts(
      of: parts.count,
      // Labels of one call have more in common than calls.
      atMost: sharesEvaluations ? pool.queriesPerCall(of: parts.count) : 1)
    return try withResults(classes.count * timesteps.count) { results in
      try pool.forEach(groups.count + calls.count) { item, slot in
        if item < groups.count {
          evaluate(groups[item], slot) { cell, column, residual in
            results[cell.row * classes.count + column] = error(
              of: residual, plan.configuration.loss)
          }
          return
        }
        let call = parts[calls[item - groups.count]]
        let queries = call.map { row, columns in
          query(
            slot, timestep: timesteps[row], draw: draw, labels: columns.map { classes[$0] })
        }
        try slot.evaluate(queries) { index, residuals in
          let (row, columns) = call[call.startIndex + index]
          for (place, column) in columns.enumerated() {
            let first = place * image.count
            results[row * classes.count + column] = error(
              of: residuals.extracting(first..<first + image.count), plan.configuration.loss)
          }
        }
      }
    }
  }

  /// What is evaluated for classes of one noise, which `slot` draws.
  ///
  /// Where x has noise of σ_τ already it becomes x + sε at the level σ, s = √(σ² − σ_τ²), which the mean of
  /// the posterior x − σ_τ²ε/s stands for: on noise εσ/s the loss of that image is
  ///
  ///     ‖D(x + sε; σ, y) − x + σ_τ²ε/s‖²
  ///
  /// and has the gradient to x. The step of EPNDC from σ to σ' < σ is this times ((σ² − σ'²)/σ²)²,
  /// which its weights take out again: they become ω(σ)Δσ as σ' → σ.
  ///
  /// **Source** Chen et al. 2024 (arXiv 2402.02316), EPNDC.
  func query(
    _ slot: DenoiserPool.Slot, timestep: Int, draw: Int, labels: [Int]
  ) -> DenoisingQuery {
    let (name, negated) = plan.noiseKey(
      stream, key, timestep: timestep, draw: draw, label: labels[0])
    let sigma = plan.grid.levels[timestep].sigma
    var query = DenoisingQuery(
      image: image, noise: slot.draw(name, negated: negated), sigma: sigma, labels: labels)
    let own = plan.configuration.imageNoise
    guard own > 0 else { return query }
    let added = (Double(sigma) * Double(sigma) - own * own).squareRoot()
    let (shift, factor) = (Float(own * own / added), Float(Double(sigma) / added))
    for i in image.indices {
      query.image[i] -= shift * query.noise[i]
      query.noise[i] *= factor
    }
    return query
  }

  /// Evaluates what a group keeps; `body` is given the residual of each cell's column.
  private func evaluate(
    _ group: KeptPasses.Group, _ slot: DenoiserPool.Slot,
    _ body: (_ cell: KeptPasses.Cell, _ column: Int, _ residual: Span<Float>) -> Void
  ) {
    group.evaluations.keep(group.cells.map { query(of: $0, slot) }) { index, residuals in
      let cell = group.cells[index]
      for (place, column) in cell.columns.enumerated() {
        let first = place * image.count
        body(cell, column, residuals.extracting(first..<first + image.count))
      }
    }
  }
}

/// Σ r² or Σ |r| over pixels, summed in Double; +Inf where it diverged.
func error(of residual: Span<Float>, _ loss: Configuration.Loss) -> Float {
  var sum = 0.0
  switch loss {
  case .squared: for i in residual.indices { sum += Double(residual[i] * residual[i]) }
  case .absolute: for i in residual.indices { sum += Double(residual[i].magnitude) }
  }
  let value = Float(sum)
  return value.isFinite ? value : .infinity
}

/// `count` values, each written by one worker at its own index.
private func withResults(
  _ count: Int, _ body: (DisjointWrites) throws -> Void
) throws -> [Float] {
  try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
    buffer.initialize(repeating: 0)
    try body(DisjointWrites(buffer: buffer))
    initialized = count
  }
}

/// A buffer whose elements are written by different workers.
private struct DisjointWrites: @unchecked Sendable {
  let buffer: UnsafeMutableBufferPointer<Float>
  subscript(index: Int) -> Float {
    get { buffer[index] }
    nonmutating set { buffer[index] = newValue }
  }
}
