import Basics
import GRDB
import Records

extension RunStore {
  /// What is wrong with the file itself: its pages, indices and constraints, and rows that refer to
  /// rows that are not there.
  ///
  /// - Throws: `ElbowError` where it cannot even be looked for.
  package func fileFindings() throws -> [Finding] {
    try reading { db in
      let integrity = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
      let references = try Row.fetchAll(
        db,
        sql: """
          SELECT "table", "parent", count(*) AS rows FROM pragma_foreign_key_check
          GROUP BY "table", "parent"
          """)
      return integrity.map { Finding("integrity", stored: $0, recomputed: "ok") }
        + references.map { row in
          Finding(
            "\(row["table"] as String)", stored: "\(row["rows"] as Int) rows",
            recomputed: "rows of \(row["parent"] as String) that they refer to")
        } + (try Self.robustFindings(db))
    }
  }

  /// Ids of all runs, those in the trash included, oldest first.
  ///
  /// - Throws: `ElbowError`.
  package func everyRunID() throws -> [String] {
    try reading { try String.fetchAll($0, sql: "SELECT id FROM run ORDER BY id") }
  }
}
