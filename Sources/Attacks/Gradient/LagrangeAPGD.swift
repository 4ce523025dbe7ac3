import Records
import TensorCore

/// Auto-PGD that keeps the image likely under the diffusion model while it crosses the boundary: the
/// margin plus λ times the log-likelihood, which is less the diffusion loss.
///
/// Against a defence that moves images to where they are more likely: an image that is likely already is
/// moved little. λ is to be swept.
///
/// **Source** arXiv 2305.15241, section 4.2 (the Lagrange attack).
public struct LagrangeAPGD: Attack {
  /// The ascent; its loss is not looked at.
  public var ascent: APGD
  /// λ.
  public var weight: Double

  /// The attack as given.
  public init(norm: AttackConfiguration.Norm, epsilon: Double, steps: Int, weight: Double) {
    ascent = APGD(loss: .margin, norm: norm, epsilon: epsilon, steps: steps)
    self.weight = weight
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist {
    let ball = Ball(around: view.queries.image, norm: ascent.norm, epsilon: ascent.epsilon)
    return try ascent.ascend(
      .likely(weight: weight), in: ball, from: ball.start(.surface, &random), through: &view)
  }
}

extension AttackEntry {
  /// Auto-PGD on the margin and the likelihood.
  static let lagrange = AttackEntry(
    "apgd-lagrange", "Auto-PGD on the margin plus lambda times the image's log-likelihood",
    steps: 100, needsLosses: true,
    parameters: [
      AttackParameter("lambda", "weight of the log-likelihood", usual: 1, in: 0...1e6)
    ]
  ) {
    LagrangeAPGD(norm: $0.norm, epsilon: $0.epsilon, steps: $0.steps, weight: $0["lambda"])
  }
}
