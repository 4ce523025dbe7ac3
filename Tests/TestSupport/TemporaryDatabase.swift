import Foundation
import GRDB
import Migrations

/// A database file of its own for one test.
package struct TemporaryDatabase: ~Copyable {
  /// Its path.
  package let path =
    FileManager.default.temporaryDirectory.path(percentEncoded: false)
    + "elbow-\(UUID().uuidString).db"

  /// A path where no file is yet.
  package init() {}

  deinit {
    for suffix in ["", "-wal", "-shm", "-journal"] + Migrations.all.map({ ".backup-\($0.name)" }) {
      try? FileManager.default.removeItem(atPath: path + suffix)
    }
  }

  /// Runs SQL on the file as another program would.
  package func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(patient: path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// Copies the file as it lies there when its writer is killed in the middle of a transaction, without
  /// a log: half written, beside the journal that takes this back.
  ///
  /// - Parameter copy: path of the copy.
  package func copyHalfWritten(to copy: String) throws {
    let queue = try DatabaseQueue(patient: path)
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1")
      try db.inTransaction(.immediate) {
        try db.execute(
          sql: """
            UPDATE run SET name = 'half';
            CREATE TABLE half AS WITH RECURSIVE row (i) AS (
              SELECT 1 UNION ALL SELECT i + 1 FROM row WHERE i < 200
            ) SELECT randomblob(30000) AS content FROM row
            """)
        for suffix in ["", "-journal"] {
          try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        return .rollback
      }
    }
    try queue.close()
  }
}
