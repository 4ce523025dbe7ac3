import Foundation

/// A command with what it takes and the commands below it, as the program describes itself.
///
/// Completions and manual pages are made from it, so that they say what the program does.
package struct CommandTree: Hashable, Sendable {
  /// As `runs`.
  package var name: String
  /// One line.
  package var abstract: String
  /// More than that, in paragraphs; empty where there is none.
  package var discussion: String
  /// How it is called, one form a line.
  package var usage: [String] = []
  /// Whether help lists it.
  package var isShown: Bool
  /// The command below that is meant where none is named.
  package var standard: String?
  /// The commands below.
  package var commands: [CommandTree]
  /// What it takes, in order.
  package var arguments: [CommandArgument]

  /// Reads what ArgumentParser dumps of a command.
  ///
  /// - Throws: `DecodingError` for another form.
  package init(dump: String) throws {
    struct Dump: Decodable { var command: CommandTree }
    self = try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command
  }

  /// The command below of a name; nil where there is none.
  package func command(_ name: String) -> CommandTree? { commands.first { $0.name == name } }

  /// The argument that a flag such as `--db` or `-o` names.
  package func argument(_ flag: String) -> CommandArgument? {
    arguments.first { $0.flags.contains(flag) }
  }

  /// The command that the first words of a command line name, itself where they name none.
  package func reached(by words: [String]) -> CommandTree {
    guard let word = words.first, let below = command(word) else { return self }
    return below.reached(by: Array(words.dropFirst()))
  }

  /// Its arguments without dashes.
  package var positionals: [CommandArgument] { arguments.filter { $0.kind == .positional } }

  /// Every command of the tree with the names that lead to it.
  package var paths: [(names: [String], command: CommandTree)] {
    [([name], self)]
      + commands.flatMap { below in below.paths.map { ([name] + $0.names, $0.command) } }
  }

  /// The tree with arguments added to the command of a name below it.
  package func adding(_ arguments: [CommandArgument], to name: String) -> CommandTree {
    var copy = self
    for index in copy.commands.indices where copy.commands[index].name == name {
      copy.commands[index].arguments.insert(contentsOf: arguments, at: 0)
    }
    return copy
  }
}

extension CommandTree: Decodable {
  private enum CodingKeys: String, CodingKey {
    case name = "commandName"
    case abstract, discussion
    case isShown = "shouldDisplay"
    case standard = "defaultSubcommand"
    case commands = "subcommands"
    case arguments
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    name = try values.decode(String.self, forKey: .name)
    abstract = try values.decodeIfPresent(String.self, forKey: .abstract) ?? ""
    discussion = try values.decodeIfPresent(String.self, forKey: .discussion) ?? ""
    isShown = try values.decodeIfPresent(Bool.self, forKey: .isShown) ?? true
    standard = try values.decodeIfPresent(String.self, forKey: .standard)
    commands = try values.decodeIfPresent([CommandTree].self, forKey: .commands) ?? []
    arguments = try values.decodeIfPresent([CommandArgument].self, forKey: .arguments) ?? []
  }
}
