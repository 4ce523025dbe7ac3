import Basics
import GRDB
import Records

extension RunStore {
  /// Sets and removes tags of runs.
  ///
  /// - Parameters:
  ///   - ids: full ids.
  ///   - set: values by key.
  ///   - keys: tags to remove.
  /// - Throws: `ElbowError`; nothing is changed then.
  public func tag(
    _ ids: [String], set: [String: String] = [:], removing keys: [String] = []
  ) throws {
    try writing { db in
      for id in ids {
        try insertTags(set, id, db)
        for key in keys {
          try db.execute(
            sql: "DELETE FROM run_tag WHERE run_id = ? AND key = ?", arguments: [id, key])
        }
      }
    }
  }

  /// Puts runs into a group.
  ///
  /// - Parameters:
  ///   - ids: full ids.
  ///   - name: nil: into none.
  /// - Throws: `ElbowError`; nothing is changed then.
  public func group(_ ids: [String], _ name: String?) throws {
    try writing { db in
      try db.execute(
        sql: "UPDATE run SET run_group = ? WHERE id IN (SELECT value FROM json_each(?))",
        arguments: [name, json(ids)])
    }
  }

  /// Changes a run's note.
  ///
  /// - Parameters:
  ///   - id: full id.
  ///   - change: from the note as it is, nil for none, to what it is to be.
  /// - Throws: `ElbowError`, and what `change` throws; nothing is changed then.
  /// - Returns: the new note.
  @discardableResult
  public func note(_ id: String, _ change: (String?) throws -> String?) throws -> String? {
    try writing { db in
      let old = try String.fetchOne(db, sql: "SELECT note FROM run WHERE id = ?", arguments: [id])
      let new = try change(old).flatMap { $0.isEmpty ? nil : $0 }
      try db.execute(sql: "UPDATE run SET note = ? WHERE id = ?", arguments: [new, id])
      return new
    }
  }
}
