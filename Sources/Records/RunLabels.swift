import Basics

/// What a user calls a run: may change at any time, and decides nothing.
public struct RunLabels: Hashable, Sendable {
  /// Name.
  public var name: String?
  /// Group.
  public var group: String?
  /// Free text.
  public var note: String?
  /// Tags.
  public var tags: [String: String]

  /// The labels as given.
  public init(
    name: String? = nil, group: String? = nil, note: String? = nil, tags: [String: String] = [:]
  ) {
    (self.name, self.group, self.note, self.tags) = (name, group, note, tags)
  }

  /// Tags from `KEY=VALUE` texts.
  ///
  /// - Throws: `ElbowError` for a text of another form.
  public static func tags(_ texts: [String]) throws -> [String: String] {
    try texts.reduce(into: [:]) { tags, text in
      let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[0].isEmpty else {
        throw ElbowError(.malformed, "`tag` needs KEY=VALUE, got '\(text)'")
      }
      tags[String(pair[0])] = String(pair[1])
    }
  }
}
