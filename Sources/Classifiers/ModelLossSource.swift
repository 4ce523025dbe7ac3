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

  func losses(classes: [Int], timesteps: [Int], draw: Int) throws -> [Float] {
    let count = classes.count * timesteps.count
    return try withResults(count) { results in
      try pool.forEach(count) { item, slot in
        let (timestep, label) = (timesteps[item / classes.count], classes[item % classes.count])
        let (key, negated) = plan.noiseKey(
          stream, key, timestep: timestep, draw: draw, label: label)
        slot.draw(key, negated: negated)
        slot.evaluate(image, sigma: plan.grid.levels[timestep].sigma, label: label, keeps: false)
        results[item] = error(of: slot.residual, plan.configuration.loss)
      }
    }
  }
}

/// Σ r² or Σ |r| over pixels, summed in Double; +Inf where it diverged.
func error(of residual: [Float], _ loss: Configuration.Loss) -> Float {
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
