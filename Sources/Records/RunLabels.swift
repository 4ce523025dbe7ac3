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

  /// The labels that a user gives, checked.
  ///
  /// - Parameter tags: `KEY=VALUE` texts.
  /// - Throws: `ElbowError` for a name or group that would not name a run, and for what is no tag.
  package init(checking name: String?, group: String?, note: String?, tags: [String]) throws {
    self.init(
      name: try Self.checked(name, as: "`name`"), group: try Self.checked(group, as: "`group`"),
      note: note, tags: try Self.tags(tags))
  }

  /// A name or group that runs can be called by.
  ///
  /// - Parameter label: what it was given as, for messages.
  /// - Throws: `ElbowError` for an empty one, and one that begins as `@last` does.
  package static func checked(_ text: String?, as label: String) throws -> String? {
    guard let text else { return nil }
    guard !text.trimmed.isEmpty else {
      throw ElbowError(.malformed, "\(label) is empty; leave it out")
    }
    guard !text.hasPrefix("@") else {
      throw ElbowError(
        .malformed, "\(label) '\(text)' begins with @, as @last does, the newest run; take another")
    }
    return text
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
