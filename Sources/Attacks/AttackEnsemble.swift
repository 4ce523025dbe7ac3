import Basics
import Records

/// Attacks that go together under one name: each is an attempt of its own, on the images that those
/// before it left.
public struct AttackEnsemble: Sendable {
  /// As `standard`.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// Its attacks, in order.
  public let names: [String]
  /// Noise draws that each averages.
  let eot: Int

  /// The table.
  ///
  /// **Source** Croce and Hein 2020 (arXiv 2003.01690), section 5, and its public code.
  public static let all = [
    AttackEnsemble(
      name: "standard", summary: "AutoAttack, for classifiers that draw nothing at random",
      names: ["apgd-ce", "apgd-t", "fab-t", "square"], eot: 1),
    AttackEnsemble(
      name: "rand", summary: "AutoAttack for randomized classifiers",
      names: ["apgd-ce", "apgd-dlr"], eot: 20),
  ]

  /// The members with their usual parameters, one start each.
  ///
  /// - Throws: `ElbowError` for a norm that a member has not.
  public func members(
    norm: AttackConfiguration.Norm, epsilon: Double
  ) throws -> [AttackConfiguration] {
    try names.map { name in
      var member = try Attacks.usual(name, norm: norm)
      (member.epsilon, member.eot) = (epsilon, eot)
      return member
    }
  }
}
