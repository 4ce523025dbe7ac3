import Classifiers
import Foundation
import Records
import TensorCore

/// Auto-PGD: projected gradient ascent with momentum whose step halves where progress stalls.
///
/// Of a randomized classifier every gradient is the mean over `eot` draws of fresh noise. The final
/// image is the one of highest loss among those misclassified as the attacker saw them, else the one
/// of highest loss.
///
/// **Source** Croce and Hein 2020 (arXiv 2003.01690), algorithm 1.
public struct APGD: Attack {
  /// What is maximized.
  public var loss: AttackLoss
  /// Threat model's norm.
  public var norm: AttackConfiguration.Norm
  /// Budget in pixel units.
  public var epsilon: Double
  /// Iterations of one restart.
  public var steps: Int
  /// Independent random starts.
  public var restarts: Int
  /// Draws averaged for each gradient.
  public var eot: Int

  /// The attack as given.
  public init(
    loss: AttackLoss, norm: AttackConfiguration.Norm, epsilon: Double, steps: Int,
    restarts: Int = 1, eot: Int = 1
  ) {
    self.loss = loss
    self.norm = norm
    self.epsilon = epsilon
    self.steps = steps
    self.restarts = restarts
    self.eot = eot
  }

  /// ρ: the share of improving steps below which the step halves.
  private static let rho = 0.75
  /// Weight of the new step against the last one's direction.
  private static let momentum = 0.75

  /// Iterations after which the step may halve.
  package static func checkpoints(_ steps: Int) -> [Int] {
    let n = Double(steps)
    let least = max(Int(0.06 * n), 1)
    var interval = max(Int(0.22 * n), 1)
    var result: [Int] = []
    var next = interval
    while next <= steps {
      result.append(next)
      interval = max(interval - max(Int(0.03 * n), 1), least)
      next += interval
    }
    return result
  }

  /// One visited image with what the attacker saw there.
  private struct Point {
    var image: [Float]
    var loss: Double
    var gradient: [Float]
    /// Mean over draws of the margin: positive where misclassified.
    var margin: Double

    /// Whether this one is the better final image.
    func beats(_ other: Point) -> Bool {
      (margin > 0) == (other.margin > 0) ? loss > other.loss : margin > 0
    }
  }

  public func perturb(
    _ image: [Float], label: Int, key: ImageKey, seed: UInt64,
    against classifier: any DifferentiableClassifier
  ) throws -> AttackResult {
    let ball = Ball(around: image, norm: norm, epsilon: epsilon)
    var tally = Tally()
    var best: Point?
    for restart in 0..<restarts {
      let found = try ascend(
        ball, label: label, key: key, seed: seed, restart: restart, classifier, &tally)
      if best.map(found.beats) ?? true { best = found }
    }
    guard let best else { preconditionFailure("APGD needs at least 1 restart") }
    return AttackResult(
      image: best.image, cost: tally.cost,
      zeroGradientShare: Double(tally.zeros) / Double(max(tally.pixels, 1)), loss: best.loss)
  }

  /// Compute and zero gradients over all steps.
  private struct Tally {
    var cost = Cost()
    var zeros = 0
    var pixels = 0
  }

  private func ascend(
    _ ball: Ball, label: Int, key: ImageKey, seed: UInt64, restart: Int,
    _ classifier: any DifferentiableClassifier, _ tally: inout Tally
  ) throws -> Point {
    func evaluate(_ image: [Float], _ step: Int) throws -> Point {
      try self.evaluate(
        image, label: label, key: key, seed: seed, step: restart * (steps + 1) + step, classifier,
        &tally)
    }
    var current = try evaluate(start(ball, key: key, seed: seed, restart: restart), 0)
    var previous = current.image
    var highest = current
    var final = current
    var size = 2 * epsilon
    var halvedLast = true
    var highestLast = highest.loss
    var improvements = 0
    var lastCheckpoint = 0
    var checkpoints = Self.checkpoints(steps)[...]
    for step in 1...steps {
      let a = step == 1 ? 1 : Self.momentum
      let moved = ball.stepped(current.image, along: current.gradient, by: size)
      let mixed = moved.indices.map { i in
        let x = Double(current.image[i])
        return x + a * (Double(moved[i]) - x) + (1 - a) * (x - Double(previous[i]))
      }
      let next = try evaluate(ball.project(mixed), step)
      if next.loss > current.loss { improvements += 1 }
      previous = current.image
      current = next
      if next.loss > highest.loss { highest = next }
      if next.beats(final) { final = next }
      guard step == checkpoints.first else { continue }
      checkpoints = checkpoints.dropFirst()
      let interval = Double(step - lastCheckpoint)
      let oscillates = Double(improvements) <= Self.rho * interval
      let stalls = !halvedLast && highest.loss <= highestLast
      halvedLast = oscillates || stalls
      if halvedLast {
        size /= 2
        current = highest
      }
      (lastCheckpoint, improvements, highestLast) = (step, 0, highest.loss)
    }
    return final
  }

  /// A uniform direction (ℓ∞: in the cube, ℓ2: on the sphere) at distance ε from the clean image.
  private func start(_ ball: Ball, key: ImageKey, seed: UInt64, restart: Int) -> [Float] {
    let stream = NoiseStream(seed: seed, owner: .attack(step: restart, eot: 0))
    var random = NoiseKey(stream, .start, key).random()
    var direction: [Double]
    switch norm {
    case .linf:
      direction = ball.centre.map { _ in 2 * random.uniform() - 1 }
      let largest = direction.reduce(0) { max($0, $1.magnitude) }
      direction = direction.map { $0 / largest }
    case .l2:
      var values = [Float](repeating: 0, count: ball.centre.count)
      var span = values.mutableSpan
      random.gaussians(into: &span)
      let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      direction = values.map { Double($0) / length }
    }
    return ball.project(zip(ball.centre, direction).map { $0 + epsilon * $1 })
  }

  private func evaluate(
    _ image: [Float], label: Int, key: ImageKey, seed: UInt64, step: Int,
    _ classifier: any DifferentiableClassifier, _ tally: inout Tally
  ) throws -> Point {
    let loss = self.loss
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
      tally.cost = tally.cost + result.cost
    }
    // The mean over draws up to a common factor.
    let largest = draws.reduce(0) { max($0, $1.scale) }
    var gradient = [Double](repeating: 0, count: image.count)
    for draw in draws where draw.scale > 0 {
      for i in gradient.indices {
        gradient[i] += draw.scale / largest * Double(draw.gradient[i])
      }
    }
    tally.pixels += gradient.count
    tally.zeros += gradient.count { $0 == 0 }
    let count = Double(draws.count)
    return Point(
      image: image, loss: draws.reduce(0) { $0 + $1.loss } / count,
      gradient: gradient.map { Float($0) },
      margin: draws.reduce(0) { $0 + $1.margin } / count)
  }
}
