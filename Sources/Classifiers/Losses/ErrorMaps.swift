import Networks
import Records
import Synchronization

/// The denoising errors of one image at one noise level, pixel by pixel, for every class.
package struct ErrorMaps: Sendable {
  /// Noise level σ, [−1, 1] units.
  package var sigma: Float
  /// The image that is denoised: what a purifier made of the classified one, where there is any. Planar `[C, H, W]`, pixel units [0, 1].
  package var image: [Float]
  /// |D(x + σε; σ, y) − x|², or without the square where the classifier's loss is absolute.
  /// **Shape** `[K][C·H·W]`; the sum over pixels is the raw loss that a run records.
  package var errors: [[Float]]
}

/// A classifier whose evidence is made of denoising errors, which can be shown pixel by pixel.
package protocol DenoisingClassifier: ImageClassifier {
  /// Noise levels of its grid, rising.
  var sigmas: [Float] { get }

  /// The errors that a prediction's losses are the sums of.
  ///
  /// - Parameters:
  ///   - image: planar `[C, H, W]`, pixel units [0, 1].
  ///   - key: names the image for the noise.
  ///   - stream: the defence's own stream for a recorded prediction.
  ///   - timestep: index into the noise grid.
  ///   - draw: noise draw, from 0.
  func errorMaps(
    of image: [Float], key: ImageKey, stream: NoiseStream, timestep: Int, draw: Int
  ) throws -> ErrorMaps
}

extension DiffusionClassifier: DenoisingClassifier {
  package var sigmas: [Float] { plan.grid.levels.map(\.sigma) }

  package func errorMaps(
    of image: [Float], key: ImageKey, stream: NoiseStream, timestep: Int, draw: Int
  ) throws -> ErrorMaps {
    precondition(
      plan.grid.levels.indices.contains(timestep) && (0..<plan.draws).contains(draw),
      "timestep \(timestep), draw \(draw) of \(plan.grid.count) timesteps and \(plan.draws) draws")
    let source = ModelLossSource(
      pool: pool, plan: plan, image: modelUnits(image), key: key, stream: stream)
    let residuals = try source.residuals(timestep: timestep, draw: draw)
    let isSquared = plan.configuration.loss == .squared
    return ErrorMaps(
      sigma: plan.grid.levels[timestep].sigma, image: image,
      errors: residuals.map { $0.map { isSquared ? $0 * $0 : $0.magnitude } })
  }
}

extension PurifiedClassifier: DenoisingClassifier where Base: DenoisingClassifier {
  package var sigmas: [Float] { base.sigmas }

  package func errorMaps(
    of image: [Float], key: ImageKey, stream: NoiseStream, timestep: Int, draw: Int
  ) throws -> ErrorMaps {
    let moved = try purifier.purify(image, key: key, stream: stream).image
    return try base.errorMaps(of: moved, key: key, stream: stream, timestep: timestep, draw: draw)
  }
}

extension ModelLossSource {
  /// r = D(x + σε; σ, y) − x of every class, `[K][C·H·W]`.
  func residuals(timestep: Int, draw: Int) throws -> [[Float]] {
    let parts = plan.parts(
      of: Array(0..<classCount), sharingEvaluations: sharesEvaluations, atMost: classCount)
    let found = Mutex<[Int: [[Float]]]>([:])
    try pool.forEach(parts.count) { number, slot in
      let part = parts[number]
      let (key, negated) = plan.noiseKey(
        stream, key, timestep: timestep, draw: draw, label: part[part.startIndex])
      slot.draw(key, negated: negated)
      var residuals: [[Float]] = []
      try slot.evaluate(image, sigma: plan.grid.levels[timestep].sigma, labels: Array(part)) {
        residuals.append(Array($1))
      }
      found.withLock { $0[number] = residuals }
    }
    return found.withLock { residuals in parts.indices.flatMap { residuals[$0] ?? [] } }
  }
}
