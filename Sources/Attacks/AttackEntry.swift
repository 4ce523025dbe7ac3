import Records

/// One attack of the table: its name, what it takes, and how it is made.
public struct AttackEntry: Sendable {
  /// What an attack asks of a classifier.
  public enum Kind: String, Sendable {
    /// Logits and gradients.
    case gradient
    /// Logits.
    case query
    /// Nothing: a natural shift, not an attack.
    case shift
  }

  /// Registered name, as `apgd-ce`.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// What it asks of a classifier.
  public let kind: Kind
  /// Threat models' norms that it is defined for, the usual one first.
  public let norms: [AttackConfiguration.Norm]
  /// Iterations of one start where none are given; nil: it has none to choose, and takes 1.
  public let steps: Int?
  /// Whether it has more than one start.
  public let takesRestarts: Bool
  /// Whether it goes towards every rival class, not only away from the true one.
  public let isTargeted: Bool
  /// Whether its objective is made of denoising losses: logits of another kind say nothing of how likely
  /// an image is.
  public let needsLosses: Bool
  /// Parameters that it alone has.
  public let parameters: [AttackParameter]
  /// The attacks that it is made of, in order; none of a single one.
  public internal(set) var members: [AttackEntry] = []
  /// Noise draws averaged at each look where no number is given.
  var draws = 1
  /// Classes that its objective needs.
  let fewestClasses: Int
  let make: @Sendable (AttackValues) -> any Attack

  init(
    _ name: String, _ summary: String, kind: Kind = .gradient,
    norms: [AttackConfiguration.Norm] = [.linf, .l2], steps: Int?, takesRestarts: Bool? = nil,
    isTargeted: Bool = false, needsLosses: Bool = false, parameters: [AttackParameter] = [],
    fewestClasses: Int = 2,
    make: @escaping @Sendable (AttackValues) -> any Attack
  ) {
    (self.name, self.summary, self.kind, self.norms) = (name, summary, kind, norms)
    (self.steps, self.parameters, self.fewestClasses) = (steps, parameters, fewestClasses)
    self.isTargeted = isTargeted
    self.needsLosses = needsLosses
    self.takesRestarts = takesRestarts ?? (steps != nil)
    self.make = make
  }
}

/// What an attack is made from: a checked configuration with every parameter's value.
struct AttackValues: Sendable {
  let norm: AttackConfiguration.Norm
  let epsilon: Double
  let steps: Int
  private let parameters: [String: Double]

  init(_ configuration: AttackConfiguration, _ entry: AttackEntry, steps: Int) {
    (norm, epsilon) = (configuration.norm, configuration.epsilon)
    self.steps = steps
    var values = configuration.parameters
    for parameter in entry.parameters where values[parameter.name] == nil {
      values[parameter.name] = parameter.usual
    }
    parameters = values
  }

  /// The value of a parameter of the entry.
  subscript(name: String) -> Double {
    guard let value = parameters[name] else {
      preconditionFailure("the attack's entry has no parameter '\(name)'")
    }
    return value
  }

  /// A whole one.
  func count(_ name: String) -> Int { Int(self[name]) }

  /// A whole one that several attacks share.
  func count(_ parameter: AttackParameter) -> Int { count(parameter.name) }
}
