import Basics
import Foundation
import GRDB
import Records

extension RunStore {
  /// Copies the runs and trainings of files into one, which is made where there is none.
  ///
  /// - Parameters:
  ///   - paths: of the files, which are only read.
  ///   - path: of the file merged into.
  ///   - watch: is told how it goes on.
  /// - Returns: what came of each file, in their order.
  /// - Throws: `ElbowError`; files before the one at hand are merged then.
  public static func merge(
    _ paths: [String], into path: String, watch: WorkWatch = .none
  ) throws -> [MergedFile] {
    // Nothing is made where nothing can be merged.
    if let missing = paths.first(where: { !DatabaseFile($0).exists }) {
      throw ElbowError(.missing, "\(missing): there is no such file")
    }
    let store = try RunStore(path, for: .write, watch: watch)
    defer { store.close() }
    return try paths.enumerated().map { done, path in
      watch(WorkUpdate("merge", done, of: paths.count, "files", remarks: [path]))
      return try store.merge(path)
    }
  }

  /// Copies the runs and trainings of another file into this one, losing nothing.
  ///
  /// What is there already stays as it is: merging twice is merging once, and the order of files is no
  /// matter. Runs of one id that are not the same are left where they are. It is one transaction:
  /// interrupted, it leaves the file as it was.
  ///
  /// - Parameter path: of the other file, which is only read; it may be of an older schema.
  /// - Returns: what was copied, what was known, what was left apart.
  /// - Throws: `ElbowError`; nothing is copied then.
  public func merge(_ path: String) throws -> MergedFile {
    let source = try MergeSource(path, .current, watch)
    defer { source.close() }
    guard !source.file.isSame(as: DatabaseFile(self.path)) else {
      throw ElbowError(.malformed, "\(path) is the file that is merged into")
    }
    do {
      return try database.writeWithoutTransaction { db in
        try db.execute(sql: "ATTACH ? AS source", arguments: [source.name])
        defer { try? db.execute(sql: "DETACH source") }
        var result = MergedFile(path)
        try db.inTransaction(.immediate) {
          try Self.makeLists(db)
          try ModelDescriptions.learnFromSource(db)
          try Self.leaveApart(&result, db)
          let statements = MergeStatements(db)
          result.runs = try Int.fetchOne(db, sql: "SELECT count(*) FROM fresh_run") ?? 0
          result.trainings = try Int.fetchOne(db, sql: "SELECT count(*) FROM fresh_training") ?? 0
          if result.runs > 0 { try statements.copyRuns() }
          if result.runs > 0 { try Self.keepMakers(db) }
          if result.trainings > 0 { try statements.copyTrainings() }
          try source.checkUnchanged()
          for list in ["fresh_run", "fresh_input", "fresh_training"] {
            try db.execute(sql: "DROP TABLE IF EXISTS temp.\(list)")
          }
          return .commit
        }
        return result
      }
    } catch {
      throw ElbowError(error, file: path)
    }
  }

  /// What is to be copied: all that is not there.
  private static func makeLists(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TEMP TABLE fresh_run (id TEXT PRIMARY KEY, number INTEGER UNIQUE, target INTEGER);
        INSERT INTO fresh_run (id, number)
        SELECT id, number FROM source.run JOIN source.run_total ON run_id = id
        WHERE id NOT IN (SELECT id FROM main.run);
        CREATE TEMP TABLE fresh_training (id TEXT PRIMARY KEY);
        INSERT INTO fresh_training
        SELECT id FROM source.training WHERE id NOT IN (SELECT id FROM main.training);
        """)
  }

  /// Finds out what both files have and whether it is the same, and takes what cannot be copied off the
  /// lists.
  private static func leaveApart(_ result: inout MergedFile, _ db: Database) throws {
    for (kind, content, labels) in [
      ("run", MergeContent.ofRuns, MergeContent.labels), ("training", MergeContent.ofTrainings, []),
    ] {
      let shared = try String.fetchAll(
        db,
        sql: "SELECT id FROM source.\(kind) WHERE id IN (SELECT id FROM main.\(kind)) ORDER BY id")
      let contested = kind == "run" ? try ModelDescriptions.contestedRuns(db) : []
      for id in shared {
        var differences = try MergeContent.differences(id, content, db)
        if contested.contains(id) { differences.append("model") }
        let others = try MergeContent.differences(id, labels, db)
        if !differences.isEmpty {
          result.apart.append(
            .init(id: id, reason: .content, what: differences.joined(separator: ", ")))
        } else if !others.isEmpty {
          result.apart.append(.init(id: id, reason: .labels, what: others.joined(separator: ", ")))
        } else {
          result.known += 1
        }
      }
      for id in contested.subtracting(shared).sorted() {
        try leave(id, .content, "model", &result, of: kind, db)
      }
      for id in try living(kind, db) {
        try leave(id, .running, "status", &result, of: kind, db)
      }
    }
    try leaveDependants(&result, db)
  }

  private static func leave(
    _ id: String, _ reason: MergedFile.Apart.Reason, _ what: String, _ result: inout MergedFile,
    of kind: String, _ db: Database
  ) throws {
    try db.execute(sql: "DELETE FROM fresh_\(kind) WHERE id = ?", arguments: [id])
    result.apart.append(.init(id: id, reason: reason, what: what))
  }

  /// Runs that were made from what is left apart would be of another run here.
  private static func leaveDependants(_ result: inout MergedFile, _ db: Database) throws {
    let left = result.apart.filter { $0.reason != .labels }.map(\.id)
    let made = try Row.fetchAll(
      db,
      sql: """
        WITH RECURSIVE left_apart (id, maker) AS (
          SELECT value, NULL FROM json_each(?)
          UNION
          SELECT run.id, left_apart.id
          FROM left_apart JOIN source.run ON left_apart.id IN (inputs_run, replay_of)
        )
        SELECT id, min(maker) AS maker FROM left_apart
        WHERE id IN (SELECT id FROM fresh_run) GROUP BY id
        """, arguments: [JSONValue.array(left.map { .string($0) }).canonical])
    for row in made {
      let id: String = row["id"]
      try db.execute(sql: "DELETE FROM fresh_run WHERE id = ?", arguments: [id])
      result.apart.append(.init(id: id, reason: .maker, what: row["maker"] ?? ""))
    }
  }

  /// Takes what runs that are not in the trash were made from out of it: it would be deleted there.
  private static func keepMakers(_ db: Database) throws {
    try db.execute(
      sql: """
        UPDATE main.run SET deleted_at = NULL
        WHERE deleted_at IS NOT NULL AND id IN (\(RunStore.neededRuns))
        """)
  }

  /// Those of the lists that a process is at work on, as far as that can be told from here.
  private static func living(_ kind: String, _ db: Database) throws -> [String] {
    let sessions = kind == "run" ? "session" : "training_session"
    return try Row.fetchAll(
      db,
      sql: """
        SELECT id, host, boot_id, pid, pid_started, pid_namespace, max(number),
          coalesce(
            heartbeat_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-60 seconds'), TRUE) AS is_recent
        FROM source.\(kind) JOIN source.\(sessions) AS work ON work.\(kind)_id = id
        WHERE status = 'running' AND id IN (SELECT id FROM fresh_\(kind))
        GROUP BY id
        """
    ).filter { ProcessIdentity($0).isAlive ?? $0["is_recent"] }.map { $0["id"] }
  }
}
