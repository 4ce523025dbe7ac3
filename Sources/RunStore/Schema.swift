import Basics
import Foundation
import GRDB
import Migrations
import Records

/// A list of migrations as GRDB applies them, each with the checksum of its text, and the views over
/// the tables that they make.
package struct Schema: Sendable {
  private let migrations: [Migration]
  private let migrator: DatabaseMigrator
  /// All statements of the migrations.
  private let text: String
  /// nil where the migrations end before the one that views of their own begin with.
  let views: Views?

  /// Tables whose references a migration could have broken, where it leaves the big ones alone.
  private static let changed = ["V0008__questions": ["configuration", "run", "input"]]

  /// That of the `Migrations` folder.
  package static let current = Schema(Migrations.all)

  /// The schema that `migrations` make, one after the other, with `views`.
  package init(_ migrations: [Migration], views: Views = .current) {
    self.migrations = migrations
    text = migrations.map(\.sql).joined(separator: "\n")
    self.views = migrations.contains { $0.name == Views.firstMigration } ? views : nil
    var migrator = DatabaseMigrator().disablingDeferredForeignKeyChecks()
    for migration in migrations {
      migrator.registerMigration(migration.name) { db in
        // What is missing was read before this transaction began: another process may have made it
        // since, and most migrations do damage where they are applied twice.
        let isApplied = try Bool.fetchOne(
          db, sql: "SELECT count(*) FROM grdb_migrations WHERE identifier = ?",
          arguments: [migration.name])
        if isApplied == true { throw AppliedMeanwhile() }
        if migration.name > Views.firstMigration {
          try views.takenDown(in: db) { try db.execute(sql: migration.sql) }
        } else {
          try db.execute(sql: migration.sql)
        }
        try db.execute(
          sql: """
            CREATE TABLE IF NOT EXISTS migration_checksum (
              name TEXT PRIMARY KEY NOT NULL, sha256 TEXT NOT NULL
            ) STRICT, WITHOUT ROWID
            """)
        try db.execute(
          sql: "INSERT INTO migration_checksum VALUES (?, ?)",
          arguments: [migration.name, SHA256.hexDigest(of: migration.sql)])
        if migration.name == Views.firstMigration { try RecordedQuestions.write(db) }
        if migration.name >= Views.firstMigration { try views.replace(in: db) }
        if let changed = Self.changed[migration.name] {
          for table in changed { try db.checkForeignKeys(in: table) }
        } else {
          try db.checkForeignKeys()
        }
      }
    }
    self.migrator = migrator
  }

  /// How far behind a file is.
  enum Age: Comparable { case current, olderViews, olderTables, newer }

  /// How far the file that `db` reads is behind this schema, or before it.
  ///
  /// - Parameter path: named where it is another program's.
  /// - Throws: `ElbowError` for another program's file.
  func age(_ db: Database, _ path: String) throws -> Age {
    guard try db.tableExists("grdb_migrations") else {
      if try isForeign(db) { throw foreign(path) }
      return .olderTables
    }
    if try migrator.hasBeenSuperseded(db) { return .newer }
    guard try migrator.hasCompletedMigrations(db) else { return .olderTables }
    return try views?.areNewer(than: db) ?? false ? .olderViews : .current
  }

  /// What the file that `db` reads has that no migration made and that a write would run, as `has a
  /// trigger 'x' that Elbow did not make`; nil where there is nothing.
  ///
  /// Triggers stand in a file word for word as migrations have them. Tables, views and indexes of the
  /// user's own do no harm.
  ///
  /// - Throws: `DatabaseError`.
  func stranger(in db: Database) throws -> String? {
    let found = try Row.fetchOne(
      db,
      sql: """
        SELECT name, sql LIKE 'CREATE VIRTUAL%' AS isVirtual FROM main.sqlite_schema
        WHERE type = 'trigger' AND typeof(sql) = 'text' AND NOT instr(?, sql)
          OR type IN ('trigger', 'table') AND isVirtual
        """, arguments: [text])
    return found.map { row in
      "has a \((row["isVirtual"] as Bool?) ?? false ? "virtual table" : "trigger") "
        + "'\((row.text("name") ?? "").prefix(80))' that Elbow did not make, so that it is read, and "
        + "never written"
    }
  }

  /// Applies the migrations that are missing, after a backup of a file that has some already, and
  /// replaces older views.
  ///
  /// Two processes may do this at once: the one that comes second finds the work done.
  ///
  /// - Parameters:
  ///   - isCopy: whether the file is a copy that nobody else has: no backup is taken then, and what
  ///     was being recorded when it was made is no matter.
  ///   - watch: is told of a migration, which takes long on a large file.
  /// - Throws: `ElbowError` while an older Elbow records into the file, which could not go on.
  func bringUpToDate(
    _ path: String, isCopy: Bool = false, watch: WorkWatch = .none
  ) throws {
    let deadline = Date(timeIntervalSinceNow: 30)
    while true {
      do {
        try migrate(path, isCopy: isCopy, watch)
        return
      } catch let error where Date() < deadline && isRace(error) {
        Thread.sleep(forTimeInterval: .random(in: 0.01...0.1))
      }
    }
  }

  /// Another process has applied the migration that was about to be.
  private struct AppliedMeanwhile: Error {}

  /// What the second of two processes meets while the first one makes or migrates the file.
  private func isRace(_ error: any Error) -> Bool {
    switch (error as? DatabaseError)?.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_SCHEMA: true
    default: error is AppliedMeanwhile
    }
  }

  private func migrate(_ path: String, isCopy: Bool, _ watch: WorkWatch) throws {
    let pool = try DatabasePool(
      path: path, configuration: RunStore.settings(readonly: false, showsLosses: false))
    defer { try? pool.close() }
    let applied = try pool.read { db in
      guard try db.tableExists("grdb_migrations") else {
        if try isForeign(db) { throw foreign(path) }
        return [String]()
      }
      try verify(db, path)
      return try migrator.appliedMigrations(db)
    }
    if let views, applied.count == migrations.count {
      guard try pool.read({ try views.areNewer(than: $0) }) else { return }
      try pool.write { if try views.areNewer(than: $0) { try views.replace(in: $0) } }
    }
    guard applied.count < migrations.count else { return }
    if let last = applied.last, !isCopy {
      if let work = try pool.read(livingWork) {
        throw ElbowError(
          .busy,
          "\(path): an older Elbow is recording \(work); this one can bring the file up to date, and "
            + "read it, when that has ended")
      }
      let backup = "\(path).backup-\(last)"
      watch.note("bringing \(path) up to date; as it was it stays in \(backup)")
      try pool.backup(to: DatabaseQueue(path: backup, configuration: Connection.settings()))
    }
    try migrator.migrate(pool)
  }

  /// The run or training that a living process records, by the columns that every schema has.
  private func livingWork(_ db: Database) throws -> String? {
    var kinds = [("run", "run", "session", "run_id")]
    if try db.tableExists("training") {
      kinds.append(("training", "training", "training_session", "training_id"))
    }
    for (name, table, sessions, key) in kinds {
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT id, host, boot_id, pid, pid_started, pid_namespace,
            heartbeat_at BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-60 seconds')
              AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 minutes') AS is_recent
          FROM \(table) JOIN \(sessions) ON \(sessions).\(key) = id
          WHERE status = 'running' AND pid IS NOT NULL
          """)
      if let row = rows.first(where: {
        ProcessIdentity($0).isAlive ?? ($0.integer("is_recent") == 1)
      }) {
        return "\(name) \(row.text("id") ?? "")"
      }
    }
    return nil
  }

  /// A migration's text must be the one that was applied.
  ///
  /// The checksums' table comes with the first migration: later than GRDB's own, in a file that
  /// another process is just making.
  private func verify(_ db: Database, _ path: String) throws {
    guard try db.tableExists("migration_checksum") else { return }
    let stored = try Row.fetchAll(db, sql: "SELECT name, sha256 FROM migration_checksum")
    for row in stored {
      guard let known = migrations.first(where: { $0.name == row.text("name") }) else {
        continue
      }
      guard SHA256.hexDigest(of: known.sql) == row.text("sha256") else {
        throw ElbowError(
          .damaged,
          "\(path): was made with another text of migration \(known.name); use the Elbow that made "
            + "it, or record into another file with `db`")
      }
    }
  }

  private func isForeign(_ db: Database) throws -> Bool {
    try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0 > 0
  }

  private func foreign(_ path: String) -> ElbowError {
    ElbowError(
      .damaged,
      "\(path): is an SQLite database of another program; name another file with `db`")
  }
}
