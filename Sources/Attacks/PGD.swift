import Classifiers
import Records
import TensorCore

/// Projected gradient ascent of fixed step size: signs for ℓ∞, the normalised gradient for ℓ2.
///
/// Of a randomized classifier every gradient is the mean over `eot` draws of fresh noise. The final
/// image is chosen as APGD's. Of one step from the clean image, FGSM, the final image is the one
/// stepped to.
///
/// **Source** Madry et al. 2018 (arXiv 1706.06083), section 2.1; Goodfellow et al. 2015 (arXiv
/// 1412.6572), section 4.
public struct PGD: Attack {
  /// What is maximized.
  public var loss: AttackLoss
  /// Threat model's norm.
  public var norm: AttackConfiguration.Norm
  /// Budget in pixel units.
  public var epsilon: Double
  /// Iterations of one restart.
  public var steps: Int
  /// Size of a step in pixel units.
  public var rate: Double
  /// Independent starts.
  public var restarts: Int
  /// Draws averaged for each gradient.
  public var eot: Int
  /// Where each begins.
  public var start: AttackStart

  /// PGD from random starts, with steps of 2.5·ε/steps.
  public init(
    loss: AttackLoss, norm: AttackConfiguration.Norm, epsilon: Double, steps: Int,
    restarts: Int = 1, eot: Int = 1
  ) {
    self.loss = loss
    self.norm = norm
    self.epsilon = epsilon
    self.steps = steps
    rate = 2.5 * epsilon / Double(steps)
    self.restarts = restarts
    self.eot = eot
    start = .uniform
  }

  /// FGSM: one step of ε from the clean image, up the cross-entropy.
  public static func singleStep(
    norm: AttackConfiguration.Norm, epsilon: Double, eot: Int = 1
  ) -> PGD {
    var attack = PGD(loss: .ce, norm: norm, epsilon: epsilon, steps: 1, eot: eot)
    (attack.rate, attack.start) = (epsilon, .clean)
    return attack
  }

  public func perturb(
    _ image: [Float], label: Int, key: ImageKey, seed: UInt64,
    against classifier: any DifferentiableClassifier
  ) throws -> AttackResult {
    let ball = Ball(around: image, norm: norm, epsilon: epsilon)
    var probe = AttackProbe(
      classifier, loss: loss, eot: eot, label: label, key: key, seed: seed)
    return try probe.best(of: restarts) { restart, probe in
      let stream = NoiseStream(seed: seed, owner: .attack(step: restart, eot: 0))
      var random = NoiseKey(stream, .start, key).random()
      let first = restart * (steps + 1)
      var current = try probe.evaluate(ball.start(start, &random), step: first)
      // A clean start is no attack.
      var final: AttackProbe.Point?
      if case .clean = start {} else { final = current }
      for step in 1...steps {
        let next = ball.stepped(current.image, along: current.gradient, by: rate)
        current = try probe.evaluate(next, step: first + step)
        if final.map(current.beats) ?? true { final = current }
      }
      return final ?? current
    }
  }
}
