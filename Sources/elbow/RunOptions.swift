import ArgumentParser
import Basics
import Evaluation
import Foundation

/// What a run computes: every flag of `RequestKeys`, as `Arguments` rewrites them.
struct RunOptions: ParsableArguments {
  @Option(help: .hidden) var set: [String] = []

  /// The request that these flags make; of a flag given twice the last one counts.
  ///
  /// - Throws: `ElbowError` for values out of form.
  func request() throws -> RunRequest { try RequestKeys.request(values) }

  /// The engine that is named.
  var engine: String? { values["engine"] }

  /// The folder that is named.
  var data: String? { values["data"] }

  private var values: [String: String] {
    var values: [String: String] = [:]
    for text in set {
      let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      values[String(pair[0])] = pair.count == 2 ? String(pair[1]) : ""
    }
    return values
  }

  /// The flags with what they mean, for help.
  static let help = RequestKey.Section.allCases.map { section in
    let keys = RequestKeys.all.filter { $0.section == section }
    return "\(section.rawValue.uppercased()):\n" + keys.map(line).joined(separator: "\n")
  }.joined(separator: "\n\n")

  private static func line(_ key: RequestKey) -> String {
    var head = "  --\(key.name)"
    if case .toggle = key.form { head += "/--no-\(key.name)" } else { head += " <\(key.usage)>" }
    let indent = String(repeating: " ", count: 26)
    let body = wrapped(key.help, to: 53).joined(separator: "\n" + indent)
    let length = head.unicodeScalars.count
    return length < 25 ? head + indent.dropFirst(length) + body : "\(head)\n\(indent)\(body)"
  }

  /// By scalars, of which help has one a cell: every command waits for it.
  private static func wrapped(_ text: String, to width: Int) -> [String] {
    var (lines, lengths) = ([String](), [Int]())
    for word in text.unicodeScalars.split(separator: " ") {
      let (word, length) = (String(Substring(word)), word.count)
      if let last = lengths.indices.last, lengths[last] + 1 + length <= width {
        lines[last] += " " + word
        lengths[last] += 1 + length
      } else {
        lines.append(word)
        lengths.append(length)
      }
    }
    return lines
  }
}
