import Basics
import Foundation
import GRDB
import Migrations
import Queries
import Records

/// The runs of one SQLite file.
///
/// Numbers go in as events through a `RunWriter` and come out as tables of the queries in the
/// `Queries` folder.
public final class RunStore: Sendable {
  /// What the store is opened for.
  public enum Access: Sendable {
    /// Queries on a file that exists.
    case read
    /// Recording; the file is made where there is none.
    case write
  }

  /// Path as given.
  public let path: String
  /// What the user should know, as that the file is newer than the program; nil: nothing.
  public let notice: String?
  let database: any DatabaseWriter
  let watch: WorkWatch
  /// Whether reading has made a log beside the file that could keep its owner out.
  private let leavesLog: Bool

  /// SQLite's version.
  public static var sqliteVersion: String {
    (try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }) ?? ""
  }

  /// Opens a database, and brings its schema up to date after a backup beside it.
  ///
  /// - Parameters:
  ///   - path: the file; made for `write` where it does not exist.
  ///   - access: what it is opened for.
  ///   - watch: is told of what takes long: a migration, the emptying of the trash.
  /// - Throws: `ElbowError`. A file newer than the program opens for reading only, with `notice`.
  public convenience init(
    _ path: String, for access: Access, watch: WorkWatch = .none
  ) throws {
    try self.init(path, for: access, schema: .current, watch: watch)
  }

  package init(
    _ path: String, for access: Access, schema: Schema, watch: WorkWatch = .none
  ) throws {
    (self.path, self.watch) = (path, watch)
    let file = DatabaseFile(path)
    if access == .read, !file.exists {
      throw ElbowError(
        .missing,
        "no database at \(path); record a run with 'elbow run' or 'elbow demo', or name another "
          + "file with `db`")
    }
    do {
      switch access {
      case .read:
        let opened = try Reading(file, schema, watch)
        (database, notice, leavesLog) = (opened.queue, opened.notice, opened.leavesLog)
      case .write:
        // SQLite would say so at the first row only.
        if file.exists, !file.isWritable {
          throw DatabaseError(resultCode: .SQLITE_READONLY, message: "no permission")
        }
        // A foreign file is refused before anything touches it.
        if file.exists, try file.probe(schema) == .newer {
          throw ElbowError(
            .newer,
            "\(path): was written by a newer Elbow, so this one only reads it; update Elbow, or "
              + "record into another file with `db`")
        }
        try schema.bringUpToDate(path, watch: watch)
        database = try DatabasePool(path: path, configuration: Self.settings(readonly: false))
        (notice, leavesLog) = (nil, false)
      }
    } catch {
      throw ElbowError(error, file: path)
    }
    if access == .write { try? declareDeadRuns() }
  }

  deinit { if leavesLog { close() } }

  /// Closes every connection, so that the file alone holds everything again; the store cannot be
  /// used any more. Best effort: another process may still have the file open.
  public func close() {
    _ = try? (database as? DatabasePool)?.writeWithoutTransaction { try $0.checkpoint(.passive) }
    try? database.close()
    // The last connection that closes removes the log, unless it only reads, as the pool's last does.
    if let last = try? DatabaseQueue(path: path) {
      _ = try? last.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
      try? last.close()
    }
  }

  /// Settings of every connection: patience with other processes, full durability, pages of 32 KiB
  /// in a new file, which waste least where losses lie on them, room for many of them, and the
  /// temporary view of losses.
  ///
  /// - Parameters:
  ///   - showsLosses: false while migrating: tables cannot be changed under a view that wants them as
  ///     they will be.
  ///   - views: to put before those of the file.
  static func settings(
    readonly: Bool, showsLosses: Bool = true, views: Views? = nil
  ) -> GRDB.Configuration {
    var settings = GRDB.Configuration()
    settings.readonly = readonly
    settings.busyMode = .timeout(30)
    settings.prepareDatabase { db in
      if !db.configuration.readonly {
        try db.execute(
          sql: """
            PRAGMA synchronous = FULL; PRAGMA page_size = 32768; PRAGMA wal_autocheckpoint = 256
            """)
      }
      try db.execute(sql: "PRAGMA cache_size = -65536")
      ChecksumFunctions.install(in: db)
      if showsLosses { try LossRows.install(in: db) }
      try views?.shadow(in: db)
    }
    return settings
  }

  /// Runs `body`; database errors come out with the file's name.
  func reading<R>(_ body: (Database) throws -> R) throws -> R {
    do { return try database.read(body) } catch { throw ElbowError(error, file: path) }
  }

  // MARK: Runs whose process has died

  func declareDeadRuns() throws { try Self.declareDeadRuns(in: database) }

  static func declareDeadRuns(in database: any DatabaseWriter) throws {
    let dead = try database.read(deadRuns)
    guard !dead.isEmpty else { return }
    try database.write { db in
      for id in dead {
        try db.execute(
          sql: "UPDATE run SET status = 'crashed' WHERE id = ? AND status = 'running'",
          arguments: [id])
      }
    }
  }

  /// Ids of the runs that are said to be running, but whose process has died.
  static func deadRuns(_ db: Database) throws -> [String] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT run_id, host, boot_id, pid, pid_started, pid_namespace
        FROM run JOIN session ON session.run_id = run.id
        WHERE status = 'running' AND pid IS NOT NULL
        GROUP BY run_id HAVING number = max(number)
        """
    ).filter { ProcessIdentity($0).isAlive == false }.map { $0["run_id"] ?? "" }
  }
}

extension ProcessIdentity {
  init(_ row: Row) {
    self.init(
      host: row["host"] ?? "", bootID: row["boot_id"] ?? "", pid: row["pid"] ?? 0,
      started: row["pid_started"] ?? "", namespace: row["pid_namespace"] ?? "")
  }
}
