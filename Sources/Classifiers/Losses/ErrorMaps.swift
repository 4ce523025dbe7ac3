import Networks
import Records
import Synchronization

/// The denoising errors of one image at one noise level, pixel by pixel, for some classes.
package struct ErrorMaps: Sendable {
  /// Noise level σ, [−1, 1] units.
  package var sigma: Float
  /// The image that is denoised: what a purifier made of the classified one, where there is any. Planar `[C, H, W]`, pixel units [0, 1].
  package var image: [Float]
  /// |D(x + σε; σ, y) − x|², or without the square where the classifier's loss is absolute.
  /// **Shape** `[K][C·H·W]`, in the order of the classes asked for; the sum over pixels is the raw loss
  /// that a run records.
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
  ///   - classes: nil: all.
  func errorMaps(
    of image: [Float], key: ImageKey, stream: NoiseStream, timestep: Int, draw: Int,
    classes: [Int]?
  ) throws -> ErrorMaps
}

extension DenoisingClassifier {
  /// The timestep whose noise level is next to σ.
  package func nearestTimestep(to sigma: Double) -> Int {
    sigmas.indices.min { abs(Double(sigmas[$0]) - sigma) < abs(Double(sigmas[$1]) - sigma) } ?? 0
  }
}

extension DiffusionClassifier: DenoisingClassifier {
  package var sigmas: [Float] { plan.grid.levels.map(\.sigma) }

  package func errorMaps(
    of image: [Float], key: ImageKey, stream: NoiseStream, timestep: Int, draw: Int,
    classes: [Int]? = nil
  ) throws -> ErrorMaps {
    precondition(
      plan.grid.levels.indices.contains(timestep) && (0..<plan.draws).contains(draw),
      "timestep \(timestep), draw \(draw) of \(plan.grid.count) timesteps and \(plan.draws) draws")
    let source = ModelLossSource(
      pool: pool, plan: plan, image: modelUnits(image), key: key, stream: stream)
    let residuals = try source.residuals(
      of: classes ?? Array(0..<source.classCount), timestep: timestep, draw: draw)
    let isSquared = plan.configuration.loss == .squared
    return ErrorMaps(
      sigma: plan.grid.levels[timestep].sigma, image: image,
      errors: residuals.map { $0.map { isSquared ? $0 * $0 : $0.magnitude } })
  }
}

extension PurifiedClassifier: DenoisingClassifier where Base: DenoisingClassifier {
  package var sigmas: [Float] { base.sigmas }

  package func errorMaps(
    of image: [Float], key: ImageKey, stream: NoiseStream, timestep: Int, draw: Int,
    classes: [Int]? = nil
  ) throws -> ErrorMaps {
    let moved = try purifier.purify(image, key: key, stream: stream).image
    return try base.errorMaps(
      of: moved, key: key, stream: stream, timestep: timestep, draw: draw, classes: classes)
  }
}

extension ModelLossSource {
  /// r = D(x + σε; σ, y) − x of some classes, `[K][C·H·W]`.
  func residuals(of classes: [Int], timestep: Int, draw: Int) throws -> [[Float]] {
    let parts = plan.parts(
      of: classes, sharingEvaluations: sharesEvaluations, atMost: classes.count)
    let found = Mutex<[Int: [[Float]]]>([:])
    try pool.forEach(parts.count) { number, slot in
      let part = parts[number]
      var residuals: [[Float]] = []
      try slot.evaluate([query(slot, timestep: timestep, draw: draw, labels: Array(part))]) {
        let values = $1
        residuals = part.indices.map {
          let first = ($0 - part.startIndex) * image.count
          return (first..<first + image.count).map { values[$0] }
        }
      }
      found.withLock { $0[number] = residuals }
    }
    return found.withLock { residuals in parts.indices.flatMap { residuals[$0] ?? [] } }
  }
}
