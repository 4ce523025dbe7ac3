import Basics
import GRDB
import Records

/// How runs are named: by an id or its beginning, `@last`, `@last~2`, a name that one run alone has,
/// and, where several are taken, a group.
extension RunStore {
  /// The full id of the run that `text` names.
  ///
  /// - Parameters:
  ///   - text: an id or its beginning, a name, or `@last`.
  ///   - trashed: whether it is in the trash.
  /// - Throws: `ElbowError` where no run, or more than one, is named so.
  public func runID(_ text: String, trashed: Bool = false) throws -> String {
    let found = try runsNamed(text, trashed: trashed)
    guard let id = found.ids.first else { throw try unknown(text, trashed: trashed) }
    guard found.ids.count == 1 else {
      throw ElbowError(
        .ambiguous,
        "several runs \(found.how) '\(text)': \(found.ids.prefix(5).joined(separator: ", "))"
          + "\(found.ids.count > 5 ? ", …" : ""); "
          + (found.how == "begin with" ? "give more characters" : "take an id"))
    }
    return id
  }

  /// The full ids of the runs that texts name, each once: a group stands for its runs, oldest first.
  ///
  /// - Throws: `ElbowError` where a text names neither a run nor a group.
  public func runIDs(_ texts: [String], trashed: Bool = false) throws -> [String] {
    var ids: [String] = []
    for text in texts {
      let found = try runsNamed(text, trashed: trashed).ids
      let group = found.isEmpty ? try runs(ofGroup: text, trashed: trashed) : []
      for id in group.isEmpty ? [try runID(text, trashed: trashed)] : group
      where !ids.contains(id) { ids.append(id) }
    }
    return ids
  }

  private func runsNamed(
    _ text: String, trashed: Bool
  ) throws -> (ids: [String], how: String) {
    if let back = Self.stepsBack(text) {
      return (try ids("TRUE ORDER BY id DESC LIMIT 1 OFFSET ?", [back], trashed), "are")
    }
    let upper = text.uppercased()
    if !upper.isEmpty, upper.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) {
      let begun = try ids("id >= ? AND id < ? || '~' ORDER BY id LIMIT 6", [upper, upper], trashed)
      if !begun.isEmpty { return (begun, "begin with") }
    }
    return (try ids("name = ? ORDER BY id LIMIT 6", [text], trashed), "have the name")
  }

  private func runs(ofGroup name: String, trashed: Bool) throws -> [String] {
    try ids("run_group = ? ORDER BY id", [name], trashed)
  }

  private func ids(
    _ condition: String, _ arguments: StatementArguments, _ trashed: Bool
  ) throws -> [String] {
    try reading {
      try String.fetchAll(
        $0,
        sql: """
          SELECT id FROM run WHERE deleted_at IS \(trashed ? "NOT " : "")NULL AND \(condition)
          """, arguments: arguments)
    }
  }

  /// 0 of `@last`, 2 of `@last~2`; nil for anything else.
  private static func stepsBack(_ text: String) -> Int? {
    let match = text.lowercased().wholeMatch(of: /@last(?:~([0-9]{1,9}))?/)
    guard let match else { return nil }
    return match.1.map { Int($0) ?? 0 } ?? 0
  }

  private func unknown(_ text: String, trashed: Bool) throws -> ElbowError {
    if let other = try runsNamed(text, trashed: !trashed).ids.first, Self.stepsBack(text) == nil {
      return ElbowError(
        .malformed,
        trashed
          ? "run \(other) is not in the trash"
          : "run \(other) is in the trash; 'elbow restore \(other)' brings it back")
    }
    let (names, count) = try reading { db in
      (
        try String.fetchAll(
          db, sql: "SELECT DISTINCT name FROM run WHERE name IS NOT NULL AND deleted_at IS NULL"),
        try Int.fetchOne(
          db, sql: "SELECT count(*) FROM run WHERE deleted_at IS \(trashed ? "NOT " : "")NULL") ?? 0
      )
    }
    if Self.stepsBack(text) != nil {
      return ElbowError(
        .unknownName,
        "there is no \(text): \(path) has \(count.counted("run"))"
          + (trashed ? " in the trash" : ""))
    }
    let group = try runs(ofGroup: text, trashed: trashed)
    if !group.isEmpty {
      return ElbowError(
        .ambiguous,
        "'\(text)' is a group of \(group.count), and one run is needed; its newest is "
          + group[group.count - 1])
    }
    let near = didYouMean(text, among: names)
    return ElbowError(
      .unknownName,
      "no run begins with '\(text)' or is named so in \(path)"
        + (near.isEmpty ? "; 'elbow runs' lists them" : near))
  }
}
