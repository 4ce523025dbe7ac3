import Networks

/// The denoiser that stands before a classifier in training.
struct ImageDenoising: Sendable {
  let denoiser: EDMDenoiser
  /// Of the noise that images have, [−1, 1] units.
  let sigma: Float

  /// - Parameter denoiser: with an unconditional mode.
  init(_ denoiser: EDMDenoiser, sigma: Float) { (self.denoiser, self.sigma) = (denoiser, sigma) }

  /// D(x; σ) of each example's image, clipped to [0, 1], in its place: as `DiffusionPurifier` has it.
  func denoise(_ examples: inout [ClassifierTrainer.Example], _ session: EDMDenoiser.Session) {
    let noise = [Float](repeating: 0, count: denoiser.shape.count)
    let queries = examples.map {
      DenoisingQuery(
        image: $0.image.map { 2 * $0 - 1 }, noise: noise, sigma: sigma, label: nil)
    }
    session.evaluate(queries) { index, residuals in
      for i in noise.indices {
        let value = queries[index].image[i] + residuals[i]
        examples[index].image[i] = min(max((value + 1) / 2, 0), 1)
      }
    }
  }
}
