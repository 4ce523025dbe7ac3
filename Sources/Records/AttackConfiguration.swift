import Basics

/// Parameters of one attack; no part of a `Configuration`.
///
/// As JSON the first seven fields always stand; those that came later are left out at their neutral
/// default, so that requests and questions recorded before them stay equal to themselves.
public struct AttackConfiguration: Hashable, Sendable {
  /// What bounds the attacked image, and what ε measures.
  public enum Norm: String, Codable, CaseIterable, Sendable {
    /// Largest difference of a pixel, pixel units [0, 1].
    case linf
    /// Euclidean length of the difference, pixel units.
    case l2
    /// Largest displacement of a pixel, in grid units of −1 to 1 across the image.
    case flow
    /// Rotation and translation, as a share of ±30° and ±3 pixels.
    case rotation
    /// Severity of a natural corruption, 1…5.
    case corruption

    /// Those that bound a distance in pixel units.
    public static let balls: [Norm] = [.linf, .l2]
    /// Whether it bounds a distance in pixel units.
    public var isBall: Bool { Self.balls.contains(self) }
  }

  /// How gradients pass through what moves the image before it is classified.
  public enum Gradient: String, Codable, CaseIterable, Sendable {
    /// As through the identity.
    case bpda
    /// Through every step as it is.
    case exact
    /// Through every step with tanh(m/(τ·mean|m|)) in the place of the sign.
    case smoothed
  }

  /// Which noise of a randomized classifier the attacker sees.
  public enum Noise: String, Codable, CaseIterable, Sendable {
    /// The attacker's own, new at every look.
    case fresh
    /// The defence's, known in advance.
    case frozen
  }

  /// Which losses a gradient goes through where the strategy chooses losses.
  public enum Surrogate: String, Codable, CaseIterable, Sendable {
    /// Those that the strategy asked for, its choice held fixed.
    case chosen
    /// Those of every class at every timestep that the strategy may come to.
    case all
  }

  /// Registered name, as `apgd-ce`.
  public var name: String
  /// What bounds the attacked image.
  public var norm: Norm
  /// Budget in the norm's units.
  public var epsilon: Double
  /// Iterations of one restart.
  public var steps: Int
  /// Independent starts; the worst result is kept.
  public var restarts: Int
  /// Noise draws averaged at each look (expectation over transformation).
  public var eot: Int
  /// How gradients pass through likelihood maximization or purification.
  public var gradient: Gradient
  /// Which noise the attacker sees; neutral: `fresh`.
  public var noise = Noise.fresh
  /// Fresh draws by which the final image of a randomized classifier is chosen among the best few
  /// points; neutral: 0, by the looks of the search itself.
  public var choiceDraws = 0
  /// Fresh draws on which a randomized classifier answers the final image again, for verdicts that
  /// hang on no single draw; neutral: 0.
  public var redraws = 0
  /// τ of the gradient `smoothed`; neutral: 1.
  public var smoothing = 1.0
  /// Share of the largest weight in a gradient below which a class is left out of it, where classes
  /// have passes of their own; neutral: `unseen`.
  public var negligible = Self.unseen
  /// Parameters that this attack alone has, by name; neutral: none, each at its usual value.
  public var parameters: [String: Double] = [:]

  /// Rival classes whose losses a look asks for, besides those that weigh in the objective, between
  /// looks at all classes; neutral: 0, every look is at all.
  public var rivals = 0
  /// Which losses a gradient goes through; neutral: `chosen`.
  public var surrogate = Surrogate.chosen

  /// A share that sums in Float32 do not see.
  public static let unseen = 1e-8

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

extension AttackConfiguration: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case name, norm, epsilon, steps, restarts, eot, gradient, noise, redraws, smoothing, negligible
    case parameters, rivals, surrogate
    case choiceDraws = "choice_draws"
  }

  public init(from decoder: any Decoder) throws {
    let all = try decoder.singleValueContainer().decode([String: JSONValue].self).keys
    let known = Set(Key.allCases.map(\.rawValue))
    if let unknown = all.sorted().first(where: { !known.contains($0) }) {
      throw ElbowError(
        .malformed,
        "attack has an unknown field '\(unknown)'; it was written by a newer Elbow: update")
    }
    let c = try decoder.container(keyedBy: Key.self)
    self.init(
      name: try c.decode(String.self, forKey: .name),
      norm: try c.decode(Norm.self, forKey: .norm),
      epsilon: try c.decode(Double.self, forKey: .epsilon))
    func read<T: Decodable>(_ key: Key, into field: inout T) throws {
      field = try c.decodeIfPresent(T.self, forKey: key) ?? field
    }
    try read(.steps, into: &steps)
    try read(.restarts, into: &restarts)
    try read(.eot, into: &eot)
    try read(.gradient, into: &gradient)
    try read(.noise, into: &noise)
    try read(.choiceDraws, into: &choiceDraws)
    try read(.redraws, into: &redraws)
    try read(.smoothing, into: &smoothing)
    try read(.negligible, into: &negligible)
    try read(.rivals, into: &rivals)
    try read(.surrogate, into: &surrogate)
    try read(.parameters, into: &parameters)
  }

  public func encode(to encoder: any Encoder) throws {
    var c = encoder.container(keyedBy: Key.self)
    try c.encode(name, forKey: .name)
    try c.encode(norm, forKey: .norm)
    try c.encode(epsilon, forKey: .epsilon)
    try c.encode(steps, forKey: .steps)
    try c.encode(restarts, forKey: .restarts)
    try c.encode(eot, forKey: .eot)
    try c.encode(gradient, forKey: .gradient)
    if noise != .fresh { try c.encode(noise, forKey: .noise) }
    if choiceDraws != 0 { try c.encode(choiceDraws, forKey: .choiceDraws) }
    if redraws != 0 { try c.encode(redraws, forKey: .redraws) }
    if smoothing != 1 { try c.encode(smoothing, forKey: .smoothing) }
    if negligible != Self.unseen { try c.encode(negligible, forKey: .negligible) }
    if rivals != 0 { try c.encode(rivals, forKey: .rivals) }
    if surrogate != .chosen { try c.encode(surrogate, forKey: .surrogate) }
    if !parameters.isEmpty { try c.encode(parameters, forKey: .parameters) }
  }
}
