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

  public func perturb(
    _ image: [Float], label: Int, key: ImageKey, seed: UInt64,
    against classifier: any DifferentiableClassifier
  ) throws -> AttackResult {
    let ball = Ball(around: image, norm: norm, epsilon: epsilon)
    var probe = AttackProbe(
      classifier, loss: loss, eot: eot, label: label, key: key, seed: seed)
    return try probe.best(of: restarts) { restart, probe in
      try ascend(ball, key: key, seed: seed, restart: restart, &probe)
    }
  }

  private func ascend(
    _ ball: Ball, key: ImageKey, seed: UInt64, restart: Int, _ probe: inout AttackProbe
  ) throws -> AttackProbe.Point {
    func evaluate(_ image: [Float], _ step: Int) throws -> AttackProbe.Point {
      try probe.evaluate(image, step: restart * (steps + 1) + step)
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
}
