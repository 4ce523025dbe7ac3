import Classifiers

/// Looks at a classifier as an attacker of one image does: loss, gradient and margin, each the mean
/// over draws of fresh noise, with what it all costs.
struct AttackProbe {
  private let classifier: any DifferentiableClassifier
  private let loss: AttackLoss
  private let eot: Int
  private let label: Int
  private let key: ImageKey
  private let seed: UInt64
  private var cost = Cost()
  /// Pixels of all gradients, and how many were exactly zero.
  private var (pixels, zeros) = (0, 0)

  init(
    _ classifier: any DifferentiableClassifier, loss: AttackLoss, eot: Int, label: Int,
    key: ImageKey, seed: UInt64
  ) {
    (self.classifier, self.loss, self.eot) = (classifier, loss, eot)
    (self.label, self.key, self.seed) = (label, key, seed)
  }

  /// One visited image with what the attacker saw there.
  struct Point {
    var image: [Float]
    var loss: Double
    var gradient: [Float]
    /// Mean over draws of the margin: positive where misclassified.
    var margin: Double

    /// Whether this one is the better final image: misclassified, then of higher loss.
    func beats(_ other: Point) -> Bool {
      (margin > 0) == (other.margin > 0) ? loss > other.loss : margin > 0
    }
  }

  /// The best of so many restarts, as a result.
  mutating func best(
    of restarts: Int, _ ascend: (_ restart: Int, _ probe: inout AttackProbe) throws -> Point
  ) throws -> AttackResult {
    var best: Point?
    for restart in 0..<restarts {
      let found = try ascend(restart, &self)
      if best.map(found.beats) ?? true { best = found }
    }
    guard let best else { preconditionFailure("an attack needs at least 1 restart") }
    return AttackResult(
      image: best.image, cost: cost,
      zeroGradientShare: Double(zeros) / Double(max(pixels, 1)), loss: best.loss)
  }

  /// - Parameter step: names the noise: counted over all restarts.
  mutating func evaluate(_ image: [Float], step: Int) throws -> Point {
    let (loss, label) = (self.loss, self.label)
    var draws: [(loss: Double, margin: Double, scale: Double, gradient: [Float])] = []
    for draw in 0..<eot {
      let result = try classifier.gradient(
        of: image, key: key,
        stream: NoiseStream(seed: seed, owner: .attack(step: step, eot: draw))
      ) { logits in
        // Scaled to 1, so that a saturated softmax does not underflow in Float.
        let slope = loss.value(logits, label: label).gradient
        let scale = slope.reduce(0) { max($0, $1.magnitude) }
        return scale > 0 ? slope.map { $0 / scale } : slope
      }
      let (value, slope) = loss.value(result.logits, label: label)
      draws.append(
        (
          value, AttackLoss.margin.value(result.logits, label: label).loss,
          slope.reduce(0) { max($0, $1.magnitude) }, result.gradient
        ))
      cost = cost + result.cost
    }
    // The mean over draws up to a common factor.
    let largest = draws.reduce(0) { max($0, $1.scale) }
    var gradient = [Double](repeating: 0, count: image.count)
    for draw in draws where draw.scale > 0 {
      for i in gradient.indices {
        gradient[i] += draw.scale / largest * Double(draw.gradient[i])
      }
    }
    pixels += gradient.count
    zeros += gradient.count { $0 == 0 }
    let count = Double(draws.count)
    return Point(
      image: image, loss: draws.reduce(0) { $0 + $1.loss } / count,
      gradient: gradient.map { Float($0) },
      margin: draws.reduce(0) { $0 + $1.margin } / count)
  }
}
