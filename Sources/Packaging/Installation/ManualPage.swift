/// The manual page of one command, for `man`.
///
/// **Source** man(7).
package struct ManualPage: Hashable, Sendable {
  /// File name, as `elbow-log-new.1`.
  package let name: String
  /// The page.
  package let text: String

  /// The pages of every command that help lists.
  ///
  /// - Parameters:
  ///   - version: of the program.
  ///   - date: of the pages, as `2026-05-31`.
  package static func pages(of tree: CommandTree, version: String, date: String) -> [ManualPage] {
    tree.paths.filter { $0.command.isShown && $0.command.name != "help" }
      .map { ManualPage($0.names, $0.command, version: version, date: date) }
  }

  private init(_ names: [String], _ command: CommandTree, version: String, date: String) {
    let title = names.joined(separator: "-")
    let discussion = Discussion(command.discussion)
    var lines = [
      ".TH \(title.uppercased()) 1 \"\(date)\" \"Elbow \(version)\" \"Elbow\"", ".SH NAME",
      "\(Self.plain(title)) \\- \(Self.plain(command.abstract))",
    ]
    lines += [".SH SYNOPSIS"] + Self.literal(command.usage)
    if !discussion.paragraphs.isEmpty {
      lines += [".SH DESCRIPTION"]
      lines += discussion.paragraphs.map { [Self.plain($0)] }.joined(separator: [".PP"])
    }
    let commands = command.commands.filter { $0.isShown && $0.name != "help" }
    lines += Self.list(
      "COMMANDS", commands.map { ("\\fB\(Self.plain($0.name))\\fR", $0.abstract) })
    let shown = command.arguments.filter(\.isShown)
    lines += Self.list(
      "ARGUMENTS",
      shown.filter { $0.kind == .positional }
        .map { ("\\fI\(Self.plain($0.valueName))\\fR", $0.help) })
    lines += Self.list(
      "OPTIONS", shown.filter { $0.kind != .positional }.map { (Self.flags($0), $0.help) })
    if !discussion.examples.isEmpty {
      lines += [".SH EXAMPLES"] + Self.literal(discussion.examples)
    }
    lines += Self.related(names, commands)
    name = title + ".1"
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func list(_ heading: String, _ items: [(term: String, text: String)]) -> [String] {
    guard !items.isEmpty else { return [] }
    return [".SH \(heading)"]
      + items.flatMap { [".TP", $0.term, $0.text.isEmpty ? "\\&" : plain($0.text)] }
  }

  private static func flags(_ argument: CommandArgument) -> String {
    argument.flags.map { "\\fB\(plain($0))\\fR" }.joined(separator: ", ")
      + (argument.kind == .option ? " \\fI\(plain(argument.valueName))\\fR" : "")
  }

  /// The command above and those below.
  private static func related(_ names: [String], _ commands: [CommandTree]) -> [String] {
    let above = names.count > 1 ? [names.dropLast().joined(separator: "-")] : []
    let all = above + commands.map { (names + [$0.name]).joined(separator: "-") }
    guard !all.isEmpty else { return [] }
    return [".SH SEE ALSO"]
      + all.enumerated().map { ".BR \(plain($1)) (1)\($0 + 1 < all.count ? "," : "")" }
  }

  /// Lines as they are.
  private static func literal(_ lines: [String]) -> [String] {
    [".nf"] + lines.map(plain) + [".fi"]
  }

  /// Text in which nothing is markup.
  private static func plain(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
      .split(whereSeparator: \.isNewline).joined(separator: " ")
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
  }
}

/// The parts of what a command says of itself.
private struct Discussion {
  var paragraphs: [String] = []
  /// Command lines under the heading `EXAMPLE:`.
  var examples: [String] = []

  /// Parts stand between blank lines; one that begins with a heading in capitals is a list, of
  /// examples or of flags, and the flags have their own place on the page.
  init(_ text: String) {
    for part in text.split(separator: "\n\n") {
      let lines = part.split(separator: "\n").map(String.init)
      guard let first = lines.first else { continue }
      if first == "EXAMPLE:" {
        examples += lines.dropFirst().map { String($0.drop { $0 == " " }) }
      } else if !(first.hasSuffix(":") && first.allSatisfy { !$0.isLowercase }) {
        paragraphs.append(lines.joined(separator: " "))
      }
    }
  }
}
