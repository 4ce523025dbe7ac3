/// Evaluations r_y = D(x + σε; σ, y) − x of one image at one noise level.
public struct DenoisingQuery: Sendable {
  /// x, `[C·H·W]`, [−1, 1] units.
  public var image: [Float]
  /// ε, `[C·H·W]`.
  public var noise: [Float]
  /// σ, > 0.
  public var sigma: Float
  /// Classes, nil for the unconditional denoiser.
  public var labels: [Int?]

  /// The evaluations as given.
  public init(image: [Float], noise: [Float], sigma: Float, labels: [Int?]) {
    self.image = image
    self.noise = noise
    self.sigma = sigma
    self.labels = labels
  }

  /// One evaluation.
  public init(image: [Float], noise: [Float], sigma: Float, label: Int?) {
    self.init(image: image, noise: noise, sigma: sigma, labels: [label])
  }
}
