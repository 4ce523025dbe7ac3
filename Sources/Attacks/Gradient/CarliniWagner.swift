import Foundation
import Records
import TensorCore

/// The ℓ2 attack of Carlini and Wagner: the nearest misclassified image, found by Adam in a space
/// where [0, 1] needs no clipping, with the weight of the margin searched for.
///
/// **Source** Carlini and Wagner 2017 (arXiv 1608.04644), section V, with f6 and κ.
public struct CarliniWagner: Attack {
  /// Budget in pixel units.
  public var epsilon: Double
  /// Most Adam steps for each weight.
  public var steps: Int
  /// Weights tried.
  public var rounds: Int
  /// Adam's rate.
  public var rate: Double
  /// First weight c of the margin.
  public var weight: Double
  /// κ: margin beyond which misclassification earns no more.
  public var confidence: Double

  /// The attack as given.
  public init(
    epsilon: Double, steps: Int = 1000, rounds: Int = 9, rate: Double = 0.01,
    weight: Double = 1e-3, confidence: Double = 0
  ) {
    (self.epsilon, self.steps, self.rounds) = (epsilon, steps, rounds)
    (self.rate, self.weight, self.confidence) = (rate, weight, confidence)
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist {
    let ball = Ball(around: view.queries.image, norm: .l2, epsilon: epsilon)
    var nearest = NearestFooling(ball, view.queries.shortlist)
    var (low, high, c) = (0.0, Double.infinity, weight)
    for _ in 0..<rounds {
      let isFooled = try descend(c, ball, &nearest, through: &view)
      if isFooled { high = min(high, c) } else { low = max(low, c) }
      c = high.isFinite ? (low + high) / 2 : 10 * c
    }
    return try nearest.shortlist(asking: &view.queries)
  }

  /// Adam on ‖x' − x‖₂² + c·max(−margin, −κ); whether it met a misclassified image.
  private func descend(
    _ c: Double, _ ball: Ball, _ nearest: inout NearestFooling, through view: inout GradientView
  ) throws -> Bool {
    // x' = (1 + tanh v)/2; pixels at 0 and 1 start a little inside.
    var v = ball.centre.map { atanh(0.999_999 * (2 * $0 - 1)) }
    var adam = AdamSteps(rate: rate, count: v.count)
    var isFooled = false
    var lastLoss = Double.infinity
    let patience = max(steps / 10, 1)
    for step in 0..<steps {
      let image = v.map { Float((1 + tanh($0)) / 2) }
      let point = try view.look(at: image, .untargeted(.margin))
      if point.margin > confidence {
        isFooled = true
        nearest.offer(point)
      }
      let pulls = point.loss < confidence
      let distance = ball.distance2(image.map(Double.init))
      let loss = distance * distance + c * (pulls ? -point.loss : -confidence)
      guard loss.isFinite else { break }
      // The published implementation stops where a tenth of the steps gained less than 0.01 %.
      if step % patience == 0 {
        if loss > 0.9999 * lastLoss { break }
        lastLoss = loss
      }
      let gradient = v.indices.map { i in
        let x = (1 + tanh(v[i])) / 2
        let slope =
          2 * (x - ball.centre[i])
          - (pulls ? c * point.scale * Double(point.gradient[i]) : 0)
        return slope * 2 * x * (1 - x)
      }
      adam.descend(&v, along: gradient)
    }
    return isFooled
  }
}

extension AttackEntry {
  /// Carlini and Wagner's ℓ2 attack.
  static let carliniWagner = AttackEntry(
    "cw", "Carlini and Wagner's nearest misclassified image", norms: [.l2], steps: 1000,
    takesRestarts: false,
    parameters: [
      AttackParameter(
        "rounds", "weights of the margin tried", usual: 9, in: 1...100, isWhole: true),
      AttackParameter("rate", "Adam's rate", usual: 0.01, in: 1e-6...1),
      AttackParameter("weight", "first weight of the margin", usual: 1e-3, in: 1e-9...1e9),
      AttackParameter("confidence", "margin to be reached", usual: 0, in: 0...1e6),
    ]
  ) {
    CarliniWagner(
      epsilon: $0.epsilon, steps: $0.steps, rounds: $0.count("rounds"), rate: $0["rate"],
      weight: $0["weight"], confidence: $0["confidence"])
  }
}
