import CSQLite
import Foundation
import GRDB

/// How every connection to a file is set up, since the file may be anybody's: defensive, without trust
/// in what its schema brings, and within bounds.
enum Connection {
  /// Most bytes of what is right of LIKE.
  static let longestPattern = 1000

  /// What SQLite itself allows more of; the rest of its bounds are right as they are.
  private static let bounds: [(Int32, Int32)] = [
    // Bytes of a value: losses of an image are some MiB at most.
    (SQLITE_LIMIT_LENGTH, 1 << 28),
    (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, Int32(longestPattern)),
    (SQLITE_LIMIT_TRIGGER_DEPTH, 10),
    (SQLITE_LIMIT_WORKER_THREADS, 0),
  ]

  /// Settings with patience for other processes.
  ///
  /// - Parameter prepare: what else is done on a new connection.
  static func settings(
    readonly: Bool = false, _ prepare: @escaping @Sendable (Database) throws -> Void = { _ in }
  ) -> GRDB.Configuration {
    var settings = GRDB.Configuration()
    settings.readonly = readonly
    settings.busyMode = .timeout(30)
    settings.prepareDatabase { db in
      elbow_distrust_schema(db.sqliteConnection)
      for (bound, value) in bounds { sqlite3_limit(db.sqliteConnection, bound, value) }
      // Damaged pages are found where they are read, and a file that shrinks under a map would trap.
      try db.execute(sql: "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0")
      try prepare(db)
    }
    return settings
  }
}
