import Basics
import Foundation
import GRDB
import Migrations
import Queries
import Records
import Synchronization

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
  /// Of the file that is written.
  private let identity: DatabaseFile.Identity?
  /// Of its log and what the log's readers share, as they lay beside it last.
  private let knownLogs = Mutex<[DatabaseFile.Identity?]>([])
  /// Whether it is gone from its path.
  private let isLost = Atomic(false)
  /// Whether `close` was called.
  private let isClosed = Atomic(false)
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
    let path = DatabaseFile.plain(path)
    (self.path, self.watch) = (path, watch)
    let file = DatabaseFile(path)
    try file.check()
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
        if file.exists {
          let found = try file.probe(schema)
          if found.age == .newer {
            throw ElbowError(
              .newer,
              "\(path): was written by a newer Elbow, so this one only reads it; update Elbow, or "
                + "record into another file with `db`")
          }
          if let stranger = found.stranger {
            throw ElbowError(.damaged, "\(path): \(stranger); record into another file with `db`")
          }
        }
        try schema.bringUpToDate(path, watch: watch)
        database = try DatabasePool(path: path, configuration: Self.settings(readonly: false))
        (notice, leavesLog) = (nil, false)
      }
    } catch {
      throw ElbowError(error, file: path)
    }
    // Whoever reads goes on reading the file that was opened.
    identity = access == .write ? DatabaseFile.Identity(path) : nil
    if access == .write { try? declareDeadRuns() }
  }

  deinit { if leavesLog { close() } }

  /// Closes every connection, so that the file alone holds everything again; the store cannot be
  /// used any more. Best effort: another process may still have the file open. Closing again does
  /// nothing.
  public func close() {
    if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
    // Closing would remove the log of whatever lies there now.
    if isLost.load(ordering: .acquiring) { return }
    if let pool = database as? DatabasePool {
      try? Self.keepRobustTotals(in: pool)
      _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.passive) }
    }
    try? database.close()
    // The last connection that closes removes the log, unless it only reads, as the pool's last does.
    if let last = try? DatabaseQueue(path: path, configuration: Connection.settings()) {
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
    Connection.settings(readonly: readonly) { db in
      if !db.configuration.readonly {
        try db.execute(
          sql: """
            PRAGMA synchronous = FULL; PRAGMA page_size = 32768; PRAGMA wal_autocheckpoint = 256
            """)
      }
      try db.execute(sql: "PRAGMA cache_size = -65536")
      ChecksumFunctions.install(in: db)
      SmoothingFunction.install(in: db)
      if showsLosses { try LossRows.install(in: db) }
      try views?.shadow(in: db)
    }
  }

  /// Runs `body`; database errors come out with the file's name.
  func reading<R>(_ body: (Database) throws -> R) throws -> R {
    try checkIdentity()
    do { return try database.read(body) } catch { throw ElbowError(error, file: path) }
  }

  /// Runs `body` in a transaction; database errors come out with the file's name.
  func writing<R>(_ body: (Database) throws -> R) throws -> R {
    try checkIdentity()
    let result: R
    do { result = try database.write(body) } catch { throw ElbowError(error, file: path) }
    // What went into a file that nobody finds any more is not recorded.
    try checkIdentity()
    return result
  }

  // MARK: The file under way

  /// Checks that the file that was opened still lies at its path.
  ///
  /// Where it was replaced, its log must not be taken for the new file's: what stands in it goes into
  /// the old file, wherever that is now, and it is removed where it still lies beside the path.
  /// Nothing is touched from then on.
  ///
  /// - Throws: `ElbowError` where it was deleted, moved or replaced.
  func checkIdentity() throws {
    guard let identity else { return }
    let logs = ["-wal", "-shm"].map { path + $0 }
    guard DatabaseFile.Identity(path) != identity else {
      return knownLogs.withLock { $0 = logs.map { DatabaseFile.Identity($0) } }
    }
    if !isLost.exchange(true, ordering: .acquiringAndReleasing) {
      _ = try? (database as? DatabasePool)?.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      for (log, known) in zip(logs, knownLogs.withLock(\.self))
      where known != nil && DatabaseFile.Identity(log) == known { unlink(log) }
      // Not even the last connection's end may remove what lies beside the path.
      _ = Unmanaged.passRetained(database as AnyObject)
    }
    throw ElbowError(
      .inaccessible,
      "\(path): was deleted, moved or replaced while it was being written: what is recorded stands in "
        + "the old file, wherever it is now, and no more is; put it back, and take up what was begun"
    )
  }

  // MARK: Runs whose process has died

  func declareDeadRuns() throws { try Self.declareDeadRuns(in: database) }

  static func declareDeadRuns(in database: any DatabaseWriter) throws {
    let dead = try database.read(deadRuns)
    guard !dead.isEmpty else { return }
    try database.write { db in
      // Another process may have taken one up meanwhile.
      for id in try deadRuns(db) {
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
    ).filter { ProcessIdentity($0).isAlive == false }.map { $0.text("run_id") ?? "" }
  }

  /// Whether a run is said to be running and nobody works on it: its last process has died, or is of
  /// another boot or machine and has been silent for long.
  static func isAbandoned(_ id: String, _ db: Database) throws -> Bool {
    let last = try Row.fetchOne(
      db,
      sql: """
        SELECT host, boot_id, pid, pid_started, pid_namespace,
          (SELECT status FROM every_run WHERE every_run.id = run_id) = 'crashed' AS is_silent
        FROM session JOIN run ON run.id = run_id
        WHERE run_id = ? AND status = 'running' AND pid IS NOT NULL
        ORDER BY number DESC LIMIT 1
        """, arguments: [id])
    return last.map { ProcessIdentity($0).isAlive.map { !$0 } ?? $0["is_silent"] } ?? false
  }
}

extension ProcessIdentity {
  init(_ row: Row) {
    self.init(
      host: row.text("host") ?? "", bootID: row.text("boot_id") ?? "",
      pid: row.integer("pid") ?? 0, started: row.text("pid_started") ?? "",
      namespace: row.text("pid_namespace") ?? "")
  }
}
