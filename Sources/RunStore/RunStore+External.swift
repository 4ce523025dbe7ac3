import Basics
import Foundation
import GRDB
import Records

/// A run of another program, as far as it is described.
public struct ExternalRun: Sendable {
  /// ULID.
  public var id: String
  /// Name given by the user.
  public var name: String?
  /// Group given by the user.
  public var group: String?
  /// Note given by the user.
  public var note: String?
  /// Tags given by the user.
  public var tags: [String: String] = [:]
  /// Command line that began it.
  public var arguments: [String] = []

  /// A run without a description.
  public init(id: String) { self.id = id }
}

extension RunStore {
  /// Whether a run was recorded in this file as it was made, so that what another tracker has of it
  /// adds nothing.
  ///
  /// - Parameter id: full id.
  /// - Throws: `ElbowError`.
  package func isMadeHere(_ id: String) throws -> Bool {
    try reading { db in
      try Bool.fetchOne(
        db,
        sql: """
          SELECT fingerprint IS NOT NULL OR NOT EXISTS (
            SELECT 1 FROM session WHERE run_id = run.id AND number = 0 AND host = ?)
          FROM run WHERE id = ?
          """, arguments: [ProcessIdentity.elsewhere, id]) ?? false
    }
  }

  /// Records that a run of another program begins: from the code of the working directory, on this
  /// machine. It runs until `endExternal`, since no process is known to watch.
  ///
  /// - Throws: `ElbowError`.
  public func beginExternal(_ run: ExternalRun) throws {
    let code = CodeState.capture(ofProgram: false)
    try writing { db in
      let now = Timestamp.now
      try db.execute(
        sql: """
          INSERT INTO run (id, name, run_group, note, status, started_at)
          VALUES (?, ?, ?, ?, 'running', ?)
          """, arguments: [run.id, run.name, run.group, run.note, now])
      try insertTags(run.tags, run.id, db)
      try db.execute(
        sql: """
          INSERT INTO session (run_id, number, started_at, host, argv, cpu, sqlite_version,
            elbow_version, libraries, git_commit, git_dirty, diff_sha256)
          VALUES (?, 0, ?, ?, ?, ?, sqlite_version(), ?, ?, ?, ?, ?)
          """,
        arguments: [
          run.id, now, ProcessIdentity.current.host, json(run.arguments), Machine.cpu,
          elbowVersion, libraryVersionsJSON, code?.commit, code?.isDirty, try code?.insertDiff(db),
        ])
      try ChecksumWriting.begin(run.id, db)
    }
  }

  /// Records how a run of another program ended.
  ///
  /// - Parameters:
  ///   - id: full id.
  ///   - status: how it ended.
  ///   - message: of a failed run.
  /// - Throws: `ElbowError` where it is Elbow's own, or has ended already.
  public func endExternal(
    _ id: String, _ status: RunEnding.Status, error message: String?
  ) throws {
    try writing { db in
      let row = try Row.fetchOne(
        db, sql: "SELECT status, fingerprint FROM run WHERE id = ? AND deleted_at IS NULL",
        arguments: [id])
      guard let row else { throw ElbowError(.missing, "run \(id) is gone, or in the trash") }
      guard row.text("fingerprint") == nil else {
        throw ElbowError(.malformed, "run \(id) is Elbow's own and ends by itself")
      }
      guard row.text("status") == "running" else {
        throw ElbowError(.malformed, "run \(id) has ended: it is \(row.text("status") ?? "?")")
      }
      let now = Timestamp.now
      try db.execute(
        sql: "UPDATE run SET status = ?, error = ?, finished_at = ? WHERE id = ?",
        arguments: [status.rawValue, message, now, id])
      try db.execute(
        sql: """
          UPDATE session SET ended_at = ?1,
            wall_seconds = (julianday(?1) - julianday(started_at)) * 86400
          WHERE run_id = ?2 AND number = 0
          """, arguments: [now, id])
      try ChecksumWriting.end(id, db)
    }
  }
}
