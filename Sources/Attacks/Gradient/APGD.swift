import Records
import TensorCore

/// Auto-PGD: projected gradient ascent with momentum whose step halves where progress stalls.
///
/// The final image is the one of highest loss among those misclassified as the attacker saw them,
/// else the one of highest loss.
///
/// **Source** Croce and Hein 2020 (arXiv 2003.01690), algorithm 1.
public struct APGD: Attack {
  /// What is maximized.
  public var loss: AttackLoss
  /// Threat model's norm.
  public var norm: AttackConfiguration.Norm
  /// Budget in pixel units.
  public var epsilon: Double
  /// Iterations.
  public var steps: Int

  /// The attack as given.
  public init(loss: AttackLoss, norm: AttackConfiguration.Norm, epsilon: Double, steps: Int) {
    (self.loss, self.norm, self.epsilon, self.steps) = (loss, norm, epsilon, steps)
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

  public func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist {
    let ball = Ball(around: view.queries.image, norm: norm, epsilon: epsilon)
    return try ascend(
      .untargeted(loss), in: ball, from: ball.start(.surface, &random), through: &view)
  }

  /// The best points of one ascent of `objective`.
  func ascend(
    _ objective: AttackObjective, in ball: Ball, from start: [Float],
    through view: inout GradientView
  ) throws -> Shortlist {
    var current = try view.look(at: start, objective)
    var previous = current.image
    var highest = current
    var final = view.queries.shortlist
    final.offer(current)
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
      let next = try view.look(at: ball.project(mixed), objective)
      if next.loss > current.loss { improvements += 1 }
      previous = current.image
      current = next
      if next.loss > highest.loss { highest = next }
      final.offer(next)
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
}

extension AttackEntry {
  /// Auto-PGD, one for each loss.
  static let apgd = AttackLoss.allCases.map { loss in
    AttackEntry(
      "apgd-\(loss.rawValue)", "Auto-PGD on \(loss.title)", steps: 100,
      fewestClasses: loss.fewestClasses
    ) { APGD(loss: loss, norm: $0.norm, epsilon: $0.epsilon, steps: $0.steps) }
  }
}
