import Records
import TensorCore

/// Auto-PGD towards one rival class after another, the likeliest of the clean image first.
///
/// It breaks images that no untargeted loss does: a loss that takes the nearest rival at each step
/// may stay before the wrong one.
///
/// **Source** Croce and Hein 2020 (arXiv 2003.01690), section 4.2.
public struct TargetedAPGD: Attack {
  /// The ascent; its loss is not looked at.
  public var ascent: APGD
  /// Rival classes tried.
  public var targets: Int
  /// Whether the objective is the targeted ratio of logits, which needs four classes; else, and with
  /// fewer, the targeted margin.
  public var climbsRatio: Bool

  /// The attack as given.
  public init(
    norm: AttackConfiguration.Norm, epsilon: Double, steps: Int, targets: Int = 9,
    climbsRatio: Bool
  ) {
    ascent = APGD(loss: .margin, norm: norm, epsilon: epsilon, steps: steps)
    (self.targets, self.climbsRatio) = (targets, climbsRatio)
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist {
    let ball = Ball(around: view.queries.image, norm: ascent.norm, epsilon: ascent.epsilon)
    var found = view.queries.shortlist
    for target in try view.queries.rivals(atMost: targets) {
      let objective: AttackObjective =
        climbsRatio && view.queries.classCount >= 4
        ? .ratio(toward: target) : .margin(toward: target)
      let ascended = try ascent.ascend(
        objective, in: ball, from: ball.start(.surface, &random), through: &view)
      // Objectives of different targets do not compare; margins do.
      found.merge(ascended.byMargin)
      if view.queries.isCertain, let best = found.best, best.margin > 0 { break }
    }
    return found
  }
}

extension AttackEntry {
  /// Auto-PGD towards each rival, on the ratio of logits and on the margin.
  static let targetedAPGD = [true, false].map { climbsRatio in
    AttackEntry(
      climbsRatio ? "apgd-t" : "apgd-margin-t",
      "Auto-PGD towards each rival class on the targeted "
        + (climbsRatio ? "ratio of logits" : "margin"),
      steps: 100, isTargeted: true, parameters: [.targets]
    ) {
      TargetedAPGD(
        norm: $0.norm, epsilon: $0.epsilon, steps: $0.steps, targets: $0.count(.targets),
        climbsRatio: climbsRatio)
    }
  }
}

extension AttackParameter {
  /// Rival classes tried, the likeliest first.
  static let targets = AttackParameter(
    "targets", "rival classes tried, the likeliest first", usual: 9, in: 1...1000, isWhole: true)
}
