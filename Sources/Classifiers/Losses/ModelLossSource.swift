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

  var classCount: Int { plan.classCount }
  var sharesEvaluations: Bool { plan.sharesEvaluations(isMultiHead: pool.denoiser.isMultiHead) }

  func losses(classes: [Int], timesteps: [Int], draw: Int) throws -> [Float] {
    let parts = plan.parts(
      of: classes, sharingEvaluations: sharesEvaluations,
      atMost: pool.labelsPerCall(of: classes.count, levels: timesteps.count))
    return try withResults(classes.count * timesteps.count) { results in
      try pool.forEach(parts.count * timesteps.count) { item, slot in
        let (row, number) = item.quotientAndRemainder(dividingBy: parts.count)
        let (timestep, part) = (timesteps[row], parts[number])
        let (key, negated) = plan.noiseKey(
          stream, key, timestep: timestep, draw: draw, label: part[part.startIndex])
        slot.draw(key, negated: negated)
        try slot.evaluate(
          image, sigma: plan.grid.levels[timestep].sigma, labels: Array(part)
        ) { index, residual in
          results[row * classes.count + part.startIndex + index] = error(
            of: residual, plan.configuration.loss)
        }
      }
    }
  }
}

/// Σ r² or Σ |r| over pixels, summed in Double; +Inf where it diverged.
func error(of residual: ArraySlice<Float>, _ loss: Configuration.Loss) -> Float {
  var sum = 0.0
  switch loss {
  case .squared: for r in residual { sum += Double(r * r) }
  case .absolute: for r in residual { sum += Double(r.magnitude) }
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
