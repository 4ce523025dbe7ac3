import GRDB

/// The names that a database knows, for completion: looked up without writing anything, waiting for
/// anybody or bringing an older file up to date.
package struct RecordedNames {
  private let queue: DatabaseQueue

  /// Looks into the file at `path`.
  ///
  /// - Throws: `DatabaseError`, `ElbowError` where there is none, or it cannot be read now.
  package init(_ path: String) throws {
    let path = DatabaseFile.plain(path)
    let file = DatabaseFile(path)
    try file.check()
    guard file.exists else { throw DatabaseError(resultCode: .SQLITE_CANTOPEN) }
    var settings = Connection.settings(readonly: true)
    settings.busyMode = .timeout(0.1)
    queue = try DatabaseQueue(
      path: file.isWhole ? file.immutable : path, configuration: settings)
  }

  /// What names a run, newest first: `@last`, names, groups, ids, each with what it is.
  ///
  /// - Parameter trashed: whether they are in the trash.
  package func runs(limit: Int, trashed: Bool = false) throws -> [(word: String, meaning: String)] {
    let runs = try rows(
      """
      SELECT id, name, run_group FROM run WHERE deleted_at IS \(trashed ? "NOT " : "")NULL
      ORDER BY id DESC LIMIT \(limit)
      """)
    guard !runs.isEmpty else { return [] }
    let named = runs.flatMap { row -> [(word: String, meaning: String)?] in
      let id = row.text("id") ?? ""
      let (name, group) = (row.text("name"), row.text("run_group"))
      return [
        name.map { ($0, "run \(id)") }, group.map { ($0, "group of runs") }, (id, name ?? "run"),
      ]
    }.compactMap(\.self)
    var seen: Set<String> = []
    return ([("@last", "the newest run")] + named).filter { seen.insert($0.word).inserted }
  }

  /// Names of groups, the last begun first.
  package var groups: [String] {
    get throws {
      try texts(
        """
        SELECT run_group FROM run WHERE run_group IS NOT NULL AND deleted_at IS NULL
        GROUP BY run_group ORDER BY max(id) DESC
        """)
    }
  }

  /// Keys of tags.
  package var tags: [String] {
    get throws { try texts("SELECT DISTINCT key FROM run_tag ORDER BY key") }
  }

  /// Names of runs' metrics.
  package var metrics: [String] {
    get throws {
      try texts("SELECT DISTINCT name FROM metric_series WHERE run_id IS NOT NULL ORDER BY name")
    }
  }

  /// Columns of the view `runs`.
  package var columns: [String] {
    get throws { try queue.read { try $0.columns(in: "runs").map(\.name) } }
  }

  private func rows(_ sql: String) throws -> [Row] {
    try queue.read { try Row.fetchAll($0, sql: sql) }
  }

  private func texts(_ sql: String) throws -> [String] {
    try queue.read { try String.fetchAll($0, sql: sql) }
  }
}
