/// Parameters of one attack; no part of a `Configuration`.
public struct AttackConfiguration: Codable, Hashable, Sendable {
  /// Threat model's norm.
  public enum Norm: String, Codable, CaseIterable, Sendable { case linf, l2 }
  /// How gradients pass through likelihood maximization.
  public enum Gradient: String, Codable, CaseIterable, Sendable { case bpda }

  /// Registered name, as `apgd-ce`.
  public var name: String
  /// Threat model's norm.
  public var norm: Norm
  /// Budget in pixel units [0, 1].
  public var epsilon: Double
  /// Iterations of one restart.
  public var steps: Int
  /// Independent starts; the worst result is kept.
  public var restarts: Int
  /// Noise draws averaged for each gradient (expectation over transformation).
  public var eot: Int
  /// How gradients pass through likelihood maximization.
  public var gradient: Gradient

  /// The parameters as given.
  public init(
    name: String, norm: Norm, epsilon: Double, steps: Int = 100, restarts: Int = 1, eot: Int = 1,
    gradient: Gradient = .bpda
  ) {
    self.name = name
    self.norm = norm
    self.epsilon = epsilon
    self.steps = steps
    self.restarts = restarts
    self.eot = eot
    self.gradient = gradient
  }
}
