import Attacks
import Networks
import TensorCore

extension DiffusionTrainer {
  /// An image on its way.
  private struct Walk {
    let place: Int
    let ball: Ball
    /// Pixel units.
    var pixels: [Float]
    var gradient: [Float]

    init?(_ example: Example, at place: Int, _ attack: TrainingAttack) {
      guard !example.rivals.isEmpty else { return nil }
      self.place = place
      ball = Ball(
        around: example.image.map { ($0 + 1) / 2 }, norm: attack.norm, epsilon: attack.epsilon)
      pixels = ball.project(ball.centre)
      if var random = example.random { pixels = ball.start(attack.start, &random) }
      gradient = [Float](repeating: 0, count: pixels.count)
    }

    /// [−1, 1] units.
    var image: [Float] { pixels.map { 2 * $0 - 1 } }

    mutating func step(_ rate: Double) {
      pixels = ball.stepped(pixels, along: gradient, by: rate)
      for i in gradient.indices { gradient[i] = 0 }
    }
  }

  /// Moves images within the attack's ball to where the label's posterior is small, by projected gradient
  /// ascent on −Σ ln p_y over the draws of noise that the example has; those without rivals stay.
  package static func move(
    _ examples: inout [Example], by attack: TrainingAttack, _ session: EDMDenoiser.Session,
    _ denoiser: EDMDenoiser
  ) {
    var walks = examples.enumerated().compactMap { Walk($1, at: $0, attack) }
    for walk in walks { examples[walk.place].image = walk.image }
    // Which walk a query is of, and of which example.
    let owners = walks.indices.flatMap { walk in
      examples[walks[walk].place].noises.map { _ in walk }
    }
    let asked = owners.map { examples[walks[$0].place] }
    for _ in 0..<attack.steps {
      let queries = walks.flatMap { examples[$0.place].queries }
      session.differentiate(queries) { index, residuals in
        Self.setEntropySlope(&residuals, of: asked[index], denoiser)
      } _: { index, gradient in
        for i in gradient.indices { walks[owners[index]].gradient[i] += gradient[i] }
      }
      for walk in walks.indices {
        walks[walk].step(attack.rate)
        examples[walks[walk].place].image = walks[walk].image
      }
    }
  }

  /// Replaces residuals, `[1 + rivals, C·H·W]`, by the slopes of −ln p_y to them.
  private static func setEntropySlope(
    _ residuals: inout MutableSpan<Float>, of example: Example, _ denoiser: EDMDenoiser
  ) {
    let (size, weight) = (denoiser.shape.count, weight(example.sigma, denoiser))
    let errors = errors(residuals.span, of: example, size: size)
    var posterior = posterior(errors, of: example, denoiser)
    posterior.setEntropySlope(label: 0)
    for k in errors.indices {
      let factor = Float(-2 * weight * Double(posterior.slope[k]))
      for i in k * size..<(k + 1) * size { residuals[i] *= factor }
    }
  }
}
