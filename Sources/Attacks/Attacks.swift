import Basics
import Records
import TensorCore

/// The attacks by name: to add one is its own file and an entry here.
public enum Attacks {
  /// The table.
  public static let entries: [AttackEntry] =
    AttackEntry.apgd + AttackEntry.pgd + [.fgsm] + AttackEntry.targetedAPGD
    + [
      .lagrange, .fab, .square, .carliniWagner, .stadv, .rotationTranslation, .uniformNoise,
    ] + AttackEntry.corruptions + AttackEntry.ensembles

  /// Registered names.
  public static var names: [String] { entries.map(\.name) }

  /// The attack of that name, or of several names with `+` between them; nil where there is none.
  public static func entry(_ name: String) -> AttackEntry? {
    entries.first { $0.name == name } ?? AttackEntry(joined: name)
  }

  /// Whether an attack has no steps to choose, so that they are 1; false for unknown names.
  public static func isSingleStep(_ name: String) -> Bool {
    entry(name).map { $0.steps == nil && $0.members.isEmpty } ?? false
  }

  /// Whether an attack is a natural shift, which looks at no classifier; false for unknown names.
  public static func isShift(_ name: String) -> Bool { entry(name)?.kind == .shift }

  /// An attack's usual parameters: what stands for a value that nobody gave.
  ///
  /// - Parameter norm: nil: the usual one.
  /// - Throws: `ElbowError` for unknown names.
  public static func usual(
    _ name: String, norm: AttackConfiguration.Norm? = nil
  ) throws -> AttackConfiguration {
    let entry = try named(name)
    let norm = norm ?? entry.norms[0]
    return AttackConfiguration(
      name: name, norm: norm, epsilon: norm.usualEpsilon, steps: entry.steps ?? 1,
      eot: entry.draws)
  }

  /// Builds the attacker that `configuration` describes.
  ///
  /// - Parameters:
  ///   - classCount: the classifier's classes.
  ///   - shape: its images.
  /// - Throws: `ElbowError` for unknown names and impossible parameters.
  public static func make(
    _ configuration: AttackConfiguration, classCount: Int, shape: ImageShape
  ) throws -> Attacker {
    let c = configuration
    let entry = try named(c.name)
    try check(c, entry, shape)
    if classCount < entry.fewestClasses {
      throw ElbowError(
        .malformed,
        "\(c.name) needs \(entry.fewestClasses.counted("class")), for the ratio of three logits; the "
          + "model has \(classCount): take apgd-margin")
    }
    let singles = entry.members.isEmpty ? [entry] : entry.members
    return Attacker(
      singles.map { single in
        let steps = entry.steps == nil ? single.steps ?? 1 : c.steps
        return Attacker.Member(
          name: single.name, attack: single.make(AttackValues(c, single, steps: steps)))
      }, restarts: c.restarts,
      knowing: Knowledge(
        noise: c.noise, draws: c.eot, choiceDraws: c.choiceDraws, neglecting: c.negligible,
        rivals: c.rivals, asksAll: c.surrogate == .all))
  }

  private static func named(_ name: String) throws -> AttackEntry {
    if let entry = entry(name) { return entry }
    let parts = name.split(separator: AttackEntry.separator, omittingEmptySubsequences: false)
    guard let unknown = parts.map(String.init).first(where: { !names.contains($0) }) else {
      throw ElbowError(
        .malformed,
        "no attack '\(name)'; what goes together is different single attacks with a norm in common, no "
          + "natural shifts")
    }
    throw ElbowError(
      .unknownName,
      "no attack '\(unknown)'; there are \(names.joined(separator: ", ")), and several with + between "
        + "them" + didYouMean(unknown, among: names))
  }

  private static func check(
    _ c: AttackConfiguration, _ entry: AttackEntry, _ shape: ImageShape
  ) throws {
    guard entry.norms.contains(c.norm) else {
      throw ElbowError(
        .malformed,
        "\(c.name) has the norm \(entry.norms.map(\.rawValue).joined(separator: " or ")), not "
          + c.norm.rawValue)
    }
    if shape.height == 1, !c.norm.isBall {
      throw ElbowError(
        .malformed,
        "\(c.name) is of pictures, and these are signals, of one row; take an attack within linf or l2"
      )
    }
    if let problem = c.norm.problem(epsilon: c.epsilon, shape) {
      throw ElbowError(.malformed, problem)
    }
    for (name, value, range) in [
      ("attack-steps", c.steps, 1...1_000_000), ("restarts", c.restarts, 1...1_000_000),
      ("eot", c.eot, 1...1_000_000), ("choice-draws", c.choiceDraws, 0...1_000_000),
      ("redraws", c.redraws, 0...1_000_000), ("rivals", c.rivals, 0...1_000_000),
    ] where !range.contains(value) {
      throw ElbowError(
        .malformed,
        "`\(name)` must be \(range.lowerBound) to \(range.upperBound), got \(value)")
    }
    if entry.steps == nil, c.steps != 1 {
      throw ElbowError(
        .malformed,
        entry.members.isEmpty
          ? "\(c.name) has no steps to choose; leave `attack-steps` out"
          : "the attacks of \(c.name) have steps of their own; leave `attack-steps` out")
    }
    if !entry.takesRestarts, c.restarts != 1 {
      throw ElbowError(.malformed, "\(c.name) has one start; leave `restarts` out")
    }
    if c.noise == .frozen, c.eot != 1 || c.choiceDraws != 0 {
      throw ElbowError(
        .malformed,
        "frozen noise is one draw, known: leave `eot` and `choice-draws` out, or take fresh noise")
    }
    guard c.smoothing > 0, c.smoothing.isFinite else {
      throw ElbowError(.malformed, "`smoothing` must be positive, got \(c.smoothing)")
    }
    if c.smoothing != 1, c.gradient != .smoothed {
      throw ElbowError(
        .malformed, "`smoothing` needs `gradient` smoothed, not \(c.gradient.rawValue)")
    }
    guard (0..<1).contains(c.negligible) else {
      throw ElbowError(
        .malformed, "`negligible` must be 0 or more and below 1, got \(c.negligible)")
    }
    for (name, isGiven) in [
      ("negligible", c.negligible != AttackConfiguration.unseen),
      ("rivals", c.rivals != 0), ("surrogate", c.surrogate != .chosen),
    ] where isGiven && entry.kind != .gradient {
      throw ElbowError(.malformed, "\(c.name) asks for no gradient; leave `\(name)` out")
    }
    if entry.kind != .gradient, c.gradient != .bpda {
      throw ElbowError(.malformed, "\(c.name) asks for no gradient; leave `gradient` out")
    }
    let known = entry.parameters.map(\.name)
    for (name, value) in c.parameters.sorted(by: { $0.key < $1.key }) {
      guard let parameter = entry.parameters.first(where: { $0.name == name }) else {
        let all = known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))"
        throw ElbowError(
          .malformed,
          "\(c.name) has no parameter '\(name)'; \(all)\(didYouMean(name, among: known))")
      }
      guard parameter.allows(value) else {
        let (low, high) = (parameter.range.lowerBound, parameter.range.upperBound)
        throw ElbowError(
          .malformed,
          "`attack-\(name)` must be \(JSONValue.canonical(number: low)) to "
            + "\(JSONValue.canonical(number: high))\(parameter.isWhole ? ", a whole number" : ""), "
            + "got \(value)")
      }
    }
  }

  /// The configuration without parameters at their usual value: one spelling of one attack.
  public static func canonical(_ configuration: AttackConfiguration) -> AttackConfiguration {
    var result = configuration
    for parameter in entry(configuration.name)?.parameters ?? []
    where result.parameters[parameter.name] == parameter.usual {
      result.parameters[parameter.name] = nil
    }
    return result
  }
}
