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
    for suffix in ["", "-wal", "-shm"] + Migrations.all.map({ ".backup-\($0.name)" }) {
      try? FileManager.default.removeItem(atPath: path + suffix)
    }
  }

  /// Runs SQL on the file as another program would.
  package func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }
}
