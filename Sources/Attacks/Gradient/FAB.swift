import Records
import TensorCore

/// Fast adaptive boundary attack, targeted: looks for the nearest misclassified image by projecting
/// onto the linearized boundary towards each rival class.
///
/// It does not know ε while it searches; the image counts where it lies within.
///
/// **Source** Croce and Hein 2020 (arXiv 1907.02044), algorithm 1; targeted as in arXiv 2003.01690.
public struct FAB: Attack {
  /// Threat model's norm.
  public var norm: AttackConfiguration.Norm
  /// Budget in pixel units.
  public var epsilon: Double
  /// Iterations for each target.
  public var steps: Int
  /// Rival classes tried, the likeliest first.
  public var targets: Int
  /// α_max: most weight of the projection of the clean image against that of the current one.
  public var bias: Double
  /// η: how far beyond the boundary a step goes, 1: onto it.
  public var overshoot: Double
  /// β: share of the way from the clean image that is kept where the boundary was crossed.
  public var backward: Double

  /// The attack as given.
  public init(
    norm: AttackConfiguration.Norm, epsilon: Double, steps: Int = 100, targets: Int = 9,
    bias: Double = 0.1, overshoot: Double = 1.05, backward: Double = 0.9
  ) {
    (self.norm, self.epsilon, self.steps, self.targets) = (norm, epsilon, steps, targets)
    (self.bias, self.overshoot, self.backward) = (bias, overshoot, backward)
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist {
    let ball = Ball(around: view.queries.image, norm: norm, epsilon: epsilon)
    var nearest = NearestFooling(ball, view.queries.shortlist)
    for target in try view.queries.rivals(atMost: targets) {
      // First from the clean image, then from half-way to the ball's surface.
      let start =
        restart == 0
        ? ball.project(ball.centre)
        : ball.project(zip(ball.centre, ball.surface(&random)).map { $0 + epsilon / 2 * $1 })
      try approach(target, from: start, ball, &nearest, through: &view)
      if view.queries.isCertain, nearest.isInside { break }
    }
    return try nearest.shortlist(asking: &view.queries)
  }

  private func approach(
    _ target: Int, from start: [Float], _ ball: Ball, _ nearest: inout NearestFooling,
    through view: inout GradientView
  ) throws {
    let objective = AttackObjective.margin(toward: target)
    var point = try view.look(at: start, objective)
    for _ in 0..<steps {
      let w = point.gradient.map { Double($0) * point.scale }
      let x = point.image.map(Double.init)
      guard point.loss.isFinite, w.contains(where: { $0 != 0 }) else { return }
      // The boundary ⟨w, x'⟩ = ⟨w, x⟩ − f(x), seen from here and from the clean image.
      let offset = zip(w, zip(ball.centre, x)).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) }
      let here = HyperplaneStep(from: x, normal: w, gap: -point.loss, norm: norm)
      let clean = HyperplaneStep(
        from: ball.centre, normal: w, gap: -point.loss - offset, norm: norm)
      let (a, b) = (max(here.length, 1e-8), max(clean.length, 1e-8))
      let alpha = min(a / (a + b), bias)
      var next = x.indices.map { i in
        let step = x[i] + overshoot * here.step[i]
        let fromClean = ball.centre[i] + overshoot * clean.step[i]
        return Float(min(max((1 - alpha) * step + alpha * fromClean, 0), 1))
      }
      point = try view.look(at: next, objective)
      guard point.margin > 0 else { continue }
      nearest.offer(point)
      next = zip(next, ball.centre).map { Float($1 + backward * (Double($0) - $1)) }
      point = try view.look(at: next, objective)
    }
  }
}

extension AttackEntry {
  /// FAB towards each rival.
  static let fab = AttackEntry(
    "fab-t", "nearest misclassified image, by projections onto the boundary to each rival",
    steps: 100, isTargeted: true,
    parameters: [
      .targets,
      AttackParameter("bias", "most weight of the clean image's projection", usual: 0.1, in: 0...1),
      AttackParameter(
        "overshoot", "how far beyond the boundary a step goes", usual: 1.05, in: 1...10),
      AttackParameter(
        "backward", "share of the way kept where it is crossed", usual: 0.9, in: 0...1),
    ]
  ) {
    FAB(
      norm: $0.norm, epsilon: $0.epsilon, steps: $0.steps, targets: $0.count(.targets),
      bias: $0["bias"], overshoot: $0["overshoot"], backward: $0["backward"])
  }
}
