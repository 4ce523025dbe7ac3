import ArgumentParser
import Basics
import Packaging
import Reporting

/// How a command is used, for one that was used wrongly.
enum Usage {
  /// A message with the usage of `command`, as ArgumentParser writes what it finds while parsing.
  static func message(_ error: ValidationError, of command: any ParsableCommand.Type) -> String {
    let usage = Elbow.usageString(for: command).replacing("\n", with: "\n       ")
    let names = names(of: command, below: Elbow.self) ?? []
    return folded(
      """
      Error: \(error.message)
      Usage: \(usage)
        See '\((names + ["--help"]).joined(separator: " "))' for more information.
      """)
  }

  /// The message where a word stands for a command that there is not, also after `help`; nil where all
  /// of them are: ArgumentParser counts such words as arguments, or shows general help.
  static func unknownCommand(_ arguments: [String]) -> String? {
    let isHelp = arguments.first == "help"
    let words = (isHelp ? arguments.dropFirst() : arguments[...]).prefix { !$0.hasPrefix("-") }
    return unknownCommand(words, below: Elbow.self, takesArguments: !isHelp)
  }

  private static func unknownCommand(
    _ words: ArraySlice<String>, below type: any ParsableCommand.Type, takesArguments: Bool
  ) -> String? {
    let commands = type.configuration.subcommands
    guard let word = words.first, word != "help", !commands.isEmpty || !takesArguments,
      type.configuration.defaultSubcommand == nil
    else { return nil }
    if let next = commands.first(where: { $0._commandName == word }) {
      return unknownCommand(words.dropFirst(), below: next, takesArguments: takesArguments)
    }
    let names = commands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
    let near = suggestion(for: word, among: names).map { ". Did you mean '\($0)'?" } ?? ""
    return message(ValidationError("Unexpected argument '\(word)'\(near)"), of: type)
  }

  /// What ArgumentParser says of a command line, and which flag could have been meant: of the flags
  /// that `Arguments` rewrites it knows nothing.
  ///
  /// - Parameter arguments: as they were parsed.
  static func message(_ text: String, arguments: [String]) -> String {
    let text = folded(text)
    let unknown = /Unknown option '(--[^']+)'(?:\. Did you mean '[^']*'\?)?/
    guard let tree = try? CommandTree.elbow() else { return text }
    let command = tree.reached(by: arguments)
    if let match = text.firstMatch(of: unknown) {
      let flags = command.arguments.flatMap(\.flags).filter { $0.hasPrefix("--") }
      let near = suggestion(
        for: String(match.1.dropFirst(2)), among: flags.map { String($0.dropFirst(2)) })
      let advice = near.map { ". Did you mean '--\($0)'?" } ?? ""
      return text.replacing(match.0, with: "Unknown option '\(match.1)'\(advice)")
    }
    return text
  }

  /// Help or a message, its usage in lines of 79 cells, of which none parts a flag from its value.
  static func folded(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard line.count > 79, let head = line.firstMatch(of: /^(?:USAGE: |Usage: | {7})(?=elbow )/)
      else {
        return String(line)
      }
      var depth = 0
      let usage = line[head.range.upperBound...].map { character in
        depth += "[<".contains(character) ? 1 : "]>".contains(character) ? -1 : 0
        return character == " " && depth > 0 ? "\u{A0}" : character
      }
      return head.0
        + String(usage).wrapped(to: 70).joined(separator: "\n" + String(repeating: " ", count: 9))
        .replacing("\u{A0}", with: " ")
    }.joined(separator: "\n")
  }

  /// The names that lead to `command`, from `root` on.
  private static func names(
    of command: any ParsableCommand.Type, below root: any ParsableCommand.Type
  ) -> [String]? {
    if command == root { return [root._commandName] }
    return root.configuration.subcommands.lazy.compactMap { names(of: command, below: $0) }.first
      .map { [root._commandName] + $0 }
  }
}
