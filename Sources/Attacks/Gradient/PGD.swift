import Records
import TensorCore

/// Projected gradient ascent of fixed step size: signs for ℓ∞, the normalised gradient for ℓ2.
///
/// The final image is chosen as APGD's. Of one step from the clean image, FGSM, the final image is
/// the one stepped to.
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
  /// Iterations.
  public var steps: Int
  /// Size of a step in pixel units.
  public var rate: Double
  /// Where it begins.
  public var start = AttackStart.uniform

  /// PGD from a random start, with steps of 2.5·ε/steps.
  public init(loss: AttackLoss, norm: AttackConfiguration.Norm, epsilon: Double, steps: Int) {
    (self.loss, self.norm, self.epsilon, self.steps) = (loss, norm, epsilon, steps)
    rate = 2.5 * epsilon / Double(steps)
  }

  /// FGSM: one step of ε from the clean image, up the cross-entropy.
  public static func singleStep(norm: AttackConfiguration.Norm, epsilon: Double) -> PGD {
    var attack = PGD(loss: .ce, norm: norm, epsilon: epsilon, steps: 1)
    (attack.rate, attack.start) = (epsilon, .clean)
    return attack
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist {
    let ball = Ball(around: view.queries.image, norm: norm, epsilon: epsilon)
    var current = try view.look(at: ball.start(start, &random), .untargeted(loss))
    var final = view.queries.shortlist
    // A clean start is no attack.
    if case .clean = start {} else { final.offer(current) }
    for _ in 1...steps {
      let next = ball.stepped(current.image, along: current.gradient, by: rate)
      current = try view.look(at: next, .untargeted(loss))
      final.offer(current)
    }
    return final
  }
}

extension AttackEntry {
  /// PGD, one for each loss.
  static let pgd = AttackLoss.allCases.map { loss in
    AttackEntry(
      "pgd-\(loss.rawValue)", "PGD on \(loss.title)", steps: 100, fewestClasses: loss.fewestClasses
    ) { PGD(loss: loss, norm: $0.norm, epsilon: $0.epsilon, steps: $0.steps) }
  }

  /// One step of ε.
  static let fgsm = AttackEntry(
    "fgsm", "one step from the clean image up the cross-entropy", steps: nil
  ) { PGD.singleStep(norm: $0.norm, epsilon: $0.epsilon) }
}
