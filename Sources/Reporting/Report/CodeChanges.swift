import Basics

/// What was changed in code since a commit, as `git diff` told it, in lines for reading.
package struct CodeChanges: Hashable, Sendable {
  /// What a line is.
  package enum Kind: Sendable {
    /// Of the head of a file: its name, its hash, bytes that are no text.
    case head
    /// Where in the file the lines that follow lie.
    case place
    case added, removed, kept
  }

  /// A line with what it is.
  package struct Line: Hashable, Sendable {
    package var kind: Kind
    /// As it stands, its first character included; cut where it is longer than `longestLine`.
    package var text: String
  }

  /// Most lines that are kept, and most bytes of one.
  package static let mostLines = 1000, longestLine = 500

  /// Files, and lines that were added and removed, of the whole.
  package private(set) var files = 0, added = 0, removed = 0
  /// All lines.
  package private(set) var count = 0
  /// The first of them.
  package private(set) var lines: [Line] = []

  /// Reads a diff; what is none is a head without files.
  ///
  /// - Parameter diff: what `git diff` prints.
  package init(diff: String) {
    var isInside = false
    for bytes in diff.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let kind = Self.kind(bytes, isInside)
      isInside = kind != .head
      if kind == .head, bytes.starts(with: "diff --git ".utf8) { files += 1 }
      if kind == .added { added += 1 }
      if kind == .removed { removed += 1 }
      count += 1
      guard lines.count < Self.mostLines else { continue }
      let isLong = bytes.count > Self.longestLine
      // A character that is cut in two is shown as one that is not known.
      let text = String(decoding: bytes.prefix(Self.longestLine), as: UTF8.self)
      lines.append(Line(kind: kind, text: isLong ? text + " …" : text))
    }
  }

  /// Within a file's hunks each line begins with what it is, so that text that looks like a head is none.
  private static func kind(_ line: Substring.UTF8View, _ isInside: Bool) -> Kind {
    switch line.first {
    case UInt8(ascii: "@"): .place
    case UInt8(ascii: "+") where isInside: .added
    case UInt8(ascii: "-") where isInside: .removed
    case UInt8(ascii: " ") where isInside, UInt8(ascii: "\\") where isInside: .kept
    default: .head
    }
  }

  /// As `3 files, 12 lines added, 4 removed`.
  package var summary: String {
    "\(files.counted("file")), \(added.counted("line")) added, \(removed) removed"
  }
}
