import Basics
import Foundation
import Records

/// What makes texts safe, one place a format.
///
/// Texts are names, notes, hosts and command lines that others may have written. All of it goes
/// scalar by scalar: see `String.replacingScalars`. LaTeX's is `TableFormat.latex`.
extension TableFormat {
  /// A field of CSV after RFC 4180, exact but for an apostrophe before what a spreadsheet would take
  /// for a formula: a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return and is no
  /// number.
  static func csv(_ cell: Cell) -> String {
    let text = inert(cell)
    return text.unicodeScalars.contains { [",", "\"", "\n", "\r"].contains($0) }
      ? "\"" + text.replacingScalars { $0 == "\"" ? "\"\"" : nil } + "\"" : text
  }

  /// A field of TSV: the same, with tabs, line feeds, carriage returns and backslashes as `\t`, `\n`,
  /// `\r` and `\\`.
  static func tsv(_ cell: Cell) -> String {
    let signs: [Unicode.Scalar: String] = ["\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"]
    return inert(cell).replacingScalars { signs[$0] }
  }

  private static func inert(_ cell: Cell) -> String {
    guard case .text(let text) = cell else { return cell.text(null: "") }
    let triggers: [Unicode.Scalar] = ["=", "+", "-", "@", "\t", "\r"]
    guard let first = text.unicodeScalars.first, triggers.contains(first), Double(text) == nil
    else { return text }
    return "'" + text
  }

  /// A string of JSON, what is not seen as `\u202e`: the same to a parser, and harmless to a
  /// terminal.
  static func json(_ text: String) -> String {
    unseenEscaped(JSONValue.canonical(string: text))
  }

  /// JSON that somebody has stored, in the same way; what is none is a string.
  static func json(stored text: String) -> String {
    let isJSON = (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) != nil
    return isJSON ? unseenEscaped(text) : json(text)
  }

  private static func unseenEscaped(_ json: String) -> String {
    guard !json.isPlain else { return json }
    return json.replacingScalars { scalar in
      // White space between values stays.
      guard scalar.isUnseen, !["\n", "\r", "\t"].contains(scalar) else { return nil }
      return String(scalar).utf16.map { String(format: "\\u%04x", $0) }.joined()
    }
  }

  /// A cell of a Markdown table (GFM) in which nothing is markup and nothing becomes a link.
  static func markdown(_ text: String) -> String {
    let scalars = Array(text.visible.unicodeScalars)
    func isWord(_ index: Int) -> Bool {
      scalars.indices.contains(index) && scalars[index].properties.isAlphabetic
        || scalars.indices.contains(index) && ("0"..."9").contains(scalars[index])
    }
    var escaped = ""
    for (i, scalar) in scalars.enumerated() {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\\", "|", "`", "*", "[", "]", "~": escaped += "\\" + String(scalar)
      // Within a word it means nothing: n_correct stays legible.
      case "_" where !(isWord(i - 1) && isWord(i + 1)): escaped += "\\_"
      // Addresses become links by themselves: http://x, www.x, a@b.
      case ":" where scalars[(i + 1)...].starts(with: ["/", "/"]): escaped += "\\:"
      case "." where endsInWWW(scalars[..<i]): escaped += "\\."
      case "@" where isWord(i + 1): escaped += "@<!-- -->"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func endsInWWW(_ scalars: ArraySlice<Unicode.Scalar>) -> Bool {
    scalars.count >= 3 && scalars.suffix(3).allSatisfy { $0 == "w" || $0 == "W" }
  }

  /// Text of HTML or XML, attributes included, in which nothing is markup and every character is
  /// allowed.
  package static func html(_ text: String) -> String {
    let signs: [Unicode.Scalar: String] = [
      "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;",
    ]
    return text.visible.replacingScalars { signs[$0] }
  }
}
