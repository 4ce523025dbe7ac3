/// What a command takes: a word, an option with a value, or a flag.
package struct CommandArgument: Hashable, Sendable {
  /// How it stands on a command line.
  package enum Kind: String, Decodable, Sendable { case positional, option, flag }

  /// How it stands on a command line.
  package var kind: Kind
  /// Its spellings with dashes; none of a positional.
  package var flags: [String]
  /// What stands for its value, as `file`.
  package var valueName: String
  /// One line.
  package var help: String
  /// Whether help lists it.
  package var isShown = true
  /// Whether it may be left out.
  package var isOptional = true
  /// Whether it may be given several times.
  package var isRepeating = false
  /// Whether every word up to the next flag is a value of it.
  package var takesSeveral = false
  /// The values that it can have, where they are few.
  package var choices: [String] = []

  /// An option, or a flag where it takes no value.
  package init(
    _ kind: Kind, flags: [String], valueName: String = "", help: String, choices: [String] = []
  ) {
    (self.kind, self.flags, self.valueName) = (kind, flags, valueName)
    (self.help, self.choices) = (help, choices)
  }
}

extension CommandArgument: Decodable {
  private enum CodingKeys: String, CodingKey {
    case kind, names, valueName, abstract, discussion, isOptional, isRepeating
    case shouldDisplay, parsingStrategy, allValues
  }

  private struct Name: Decodable {
    var kind: String
    var name: String
    var flag: String { (kind == "long" ? "--" : "-") + name }
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    kind = try values.decode(Kind.self, forKey: .kind)
    flags = try values.decodeIfPresent([Name].self, forKey: .names)?.map(\.flag) ?? []
    valueName = try values.decodeIfPresent(String.self, forKey: .valueName) ?? ""
    help = try values.decodeIfPresent(String.self, forKey: .abstract) ?? ""
    isShown = try values.decodeIfPresent(Bool.self, forKey: .shouldDisplay) ?? true
    isOptional = try values.decodeIfPresent(Bool.self, forKey: .isOptional) ?? false
    isRepeating = try values.decodeIfPresent(Bool.self, forKey: .isRepeating) ?? false
    takesSeveral =
      try values.decodeIfPresent(String.self, forKey: .parsingStrategy) == "upToNextOption"
    choices = try values.decodeIfPresent([String].self, forKey: .allValues) ?? []
  }
}
