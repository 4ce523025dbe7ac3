import Records

extension AttackEntry {
  /// Attacks that go together under one name: each on the images that those before it left.
  ///
  /// **Source** Croce and Hein 2020 (arXiv 2003.01690), section 5, and its public code.
  static let ensembles = [
    AttackEntry(
      "standard", "AutoAttack, for classifiers that draw nothing at random: ",
      of: apgd.filter { $0.name == "apgd-ce" } + targetedAPGD.filter { $0.name == "apgd-t" }
        + [.fab, .square]),
    AttackEntry(
      "rand", "AutoAttack for randomized classifiers, 20 draws a look: ",
      of: apgd.filter { ["apgd-ce", "apgd-dlr"].contains($0.name) }, draws: 20),
  ]

  /// Separates the names of attacks that go together.
  static let separator: Character = "+"

  private init(_ name: String, _ summary: String, of members: [AttackEntry], draws: Int = 1) {
    let norms = members[0].norms.filter { norm in members.allSatisfy { $0.norms.contains(norm) } }
    let steps = Set(members.map(\.steps))
    var parameters: [AttackParameter] = []
    for parameter in members.flatMap(\.parameters) where !parameters.contains(parameter) {
      parameters.append(parameter)
    }
    self.init(
      name, summary + members.map(\.name).joined(separator: ", "),
      kind: members.contains { $0.kind == .gradient } ? .gradient : .query, norms: norms,
      steps: steps.count == 1 ? members[0].steps : nil,
      takesRestarts: members.allSatisfy(\.takesRestarts),
      isTargeted: members.contains(where: \.isTargeted), parameters: parameters,
      fewestClasses: members.map(\.fewestClasses).max() ?? 2, make: members[0].make)
    (self.members, self.draws) = (members, draws)
  }

  /// The ensemble of attacks whose names are written with `+` between them; nil where it is none of
  /// at least two different single attacks that have a norm in common.
  init?(joined name: String) {
    let names = name.split(separator: Self.separator, omittingEmptySubsequences: false)
    let members = names.compactMap { name in Attacks.entries.first { $0.name == name } }
    guard members.count >= 2, members.count == names.count,
      Set(members.map(\.name)).count == members.count,
      members.allSatisfy({ $0.members.isEmpty && $0.kind != .shift })
    else { return nil }
    self.init(name, "one after the other: ", of: members)
    if norms.isEmpty { return nil }
  }
}
