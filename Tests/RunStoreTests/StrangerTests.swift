import Basics
import Foundation
import GRDB
import GRDBSQLite
import Records
import RunStore
import TestSupport
import Testing

/// Files that somebody else has made or changed: what they bring is not run.
@Suite struct StrangerTests {
  /// A file of one run, changed by `sql` as by a program that minds no constraint.
  private func file(_ database: borrowing TemporaryDatabase, _ sql: String) throws {
    let store = try RunStore(database.path, for: .write)
    try record(header(1), [prediction(0)], in: store)
    store.close()
    let queue = try DatabaseQueue(patient: database.path)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// A trigger would run at every write: there is none, not even of what reading marks.
  @Test(arguments: [
    ("CREATE TRIGGER theirs AFTER UPDATE ON run BEGIN DELETE FROM prediction; END", "trigger"),
    ("CREATE TRIGGER theirs INSTEAD OF INSERT ON runs BEGIN DELETE FROM run; END", "trigger"),
    ("CREATE VIRTUAL TABLE theirs USING fts5(x)", "virtual table"),
  ])
  func triggersAreNotRun(sql: String, kind: String) throws {
    let database = TemporaryDatabase()
    // A dead run, which reading would mark.
    try file(
      database,
      "UPDATE run SET status = 'running'; UPDATE session SET pid_started = '1', ended_at = NULL; \(sql)"
    )
    let before = try Data(contentsOf: URL(fileURLWithPath: database.path))
    let store = try RunStore(database.path, for: .read)
    #expect(store.notice?.contains("\(kind) 'theirs' that Elbow did not make") == true)
    #expect(try store.query("runs").rows.count == 1)
    #expect(try store.query("losses", ["run": "@"]).rows.isEmpty)
    store.close()
    #expect(try Data(contentsOf: URL(fileURLWithPath: database.path)) == before)
    let error = try #require(throws: ElbowError.self) { try RunStore(database.path, for: .write) }
    #expect(error.code == .damaged && error.message.contains("'theirs'"), "\(error)")
  }

  /// Views of ours that somebody has replaced are ours again, or passed over.
  @Test(arguments: [false, true]) func viewsAreOurs(hasTrigger: Bool) throws {
    let database = TemporaryDatabase()
    try file(
      database,
      """
      DROP VIEW runs;
      CREATE VIEW runs AS WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)
        SELECT * FROM n;
      \(hasTrigger ? "CREATE TRIGGER theirs AFTER UPDATE ON run BEGIN SELECT 1; END" : "")
      """)
    let store = try RunStore(database.path, for: .read)
    #expect(try store.query("runs", columns: ["name"]).rows == [[.text("first")]])
  }

  /// Tables, views and indexes of the user's own do no harm.
  @Test func othersThingsStay() throws {
    let database = TemporaryDatabase()
    try file(
      database,
      """
      CREATE TABLE mine (x); CREATE VIEW named AS SELECT name FROM run;
      CREATE INDEX quick ON run (name)
      """)
    let store = try RunStore(database.path, for: .write)
    try record(header(1), [prediction(0)], in: store)
    #expect(try store.readOnly("SELECT count(*) FROM named").rows == [[.integer(2)]])
  }

  /// What a file's views call is what SQLite itself calls harmless; before 3.41 it calls its own
  /// functions of JSON harmful, which ours need.
  @Test(.enabled(if: sqlite3_libversion_number() >= 3_041_000))
  func viewsCallNoFunctionsOfOurs() throws {
    let database = TemporaryDatabase()
    try file(database, "CREATE VIEW theirs AS SELECT elbow_losses(1, 2, 3, 4) AS x FROM run")
    let store = try RunStore(database.path, for: .read)
    let error = try #require(throws: ElbowError.self) { try store.readOnly("SELECT * FROM theirs") }
    #expect(error.message.contains("unsafe use of elbow_losses"))
    // Our own view, which is of the connection, may.
    #expect(try store.readOnly("SELECT count(*) FROM losses").rows == [[.integer(4)]])
  }

  /// Values of any type, in tables that are not as strict as ours, are refused or answered.
  @Test func typesAreAnybodys() throws {
    let database = TemporaryDatabase()
    try file(
      database,
      """
      PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON;
      UPDATE run SET status = 'running';
      ALTER TABLE session RENAME TO strict_session;
      CREATE TABLE session AS SELECT * FROM strict_session;
      UPDATE session SET host = x'00', boot_id = 7, pid = 'x', pid_started = 0.5, heartbeat_at = x'ff'
      """)
    let store = try RunStore(database.path, for: .read)
    #expect(try store.query("runs").rows.count == 1)
    _ = try? store.query("sessions", ["run": "x"])
    _ = try? store.query("health")
  }

  /// A clock that is years ahead keeps no dead run alive.
  @Test func runsOfTheFutureAreDead() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let header = header(1)
    let writer = RunWriter(store)
    try writer.receive(.started(header))
    func status(_ heartbeat: String) throws -> Cell {
      // Of another boot, whose processes nobody knows.
      try database.execute("UPDATE session SET boot_id = 'x', heartbeat_at = \(heartbeat)")
      return try store.query("runs")[0, "status"]
    }
    let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+%@')"
    func later(_ time: String) -> String { now.replacing("%@", with: time) }
    #expect(try status(later("5 minutes")) == .text("running"))
    #expect(try status(later("20 minutes")) == .text("crashed"))
    #expect(try status("'2099-01-01T00:00:00.000Z'") == .text("crashed"))
    #expect(try store.recordedRun(header.id).status == "crashed")
    #expect(try store.trash([header.id], dryRun: true) == [header.id])
    try writer.receive(.ended(ending))
  }
}
