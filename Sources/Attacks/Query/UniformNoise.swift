import Records
import TensorCore

/// The worst of so many uniform draws from the ball: a check, since what noise breaks a white-box
/// attack must break as well.
public struct UniformNoise: QueryAttack {
  /// Threat model's norm.
  public var norm: AttackConfiguration.Norm
  /// Budget in pixel units.
  public var epsilon: Double
  /// Draws.
  public var draws: Int

  /// The attack as given.
  public init(norm: AttackConfiguration.Norm, epsilon: Double, draws: Int = 1000) {
    (self.norm, self.epsilon, self.draws) = (norm, epsilon, draws)
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, asking view: inout QueryView
  ) throws -> Shortlist {
    let ball = Ball(around: view.image, norm: norm, epsilon: epsilon)
    var found = view.shortlist
    for _ in 0..<draws {
      let point = try view.look(at: ball.start(.uniform, &random))
      found.offer(point)
      if view.isCertain, point.margin > 0 { break }
    }
    return found
  }
}

extension AttackEntry {
  /// Uniform noise.
  static let uniformNoise = AttackEntry(
    "uniform-noise", "worst of so many uniform draws from the ball", kind: .query, steps: 1000
  ) { UniformNoise(norm: $0.norm, epsilon: $0.epsilon, draws: $0.steps) }
}
