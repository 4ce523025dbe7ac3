import Basics
import Foundation
import GRDB
import Migrations
import Queries
import Records
import RunStore
import TestSupport
import Testing

@Suite struct OpeningTests {
  @Test func missingForeignAndBrokenFilesAreNamed() throws {
    func message(_ path: String, _ access: RunStore.Access = .read) throws -> String {
      try #require(throws: ElbowError.self) { try RunStore(path, for: access) }.description
    }
    let database = TemporaryDatabase()
    #expect(try message(database.path).contains("no database at"))
    #expect(try message("/nonexistent/folder/x.db", .write).contains("name another file with `db`"))
    try database.execute("CREATE TABLE foreigner (x)")
    #expect(try message(database.path).contains("another program"))
    #expect(try message(database.path, .write).contains("another program"))
    try Data("this is no database, however long it may be".utf8)
      .write(to: URL(fileURLWithPath: database.path))
    let broken = try message(database.path)
    #expect(broken.contains("not an SQLite database"), "\(broken)")
  }

  @Test func newerFilesAreOnlyRead() throws {
    let database = TemporaryDatabase()
    try record(header(1), [prediction(0)], in: RunStore(database.path, for: .write))
    try database.execute("INSERT INTO grdb_migrations VALUES ('V9999__future')")
    let store = try RunStore(database.path, for: .read)
    #expect(store.notice?.contains("newer Elbow") == true)
    #expect(try store.query("runs").rows.count == 1)
    let error = try #require(throws: ElbowError.self) {
      try RunStore(database.path, for: .write)
    }
    #expect(error.description.contains("update Elbow"))
  }

  @Test func aBackupIsTakenBeforeMigrating() throws {
    let database = TemporaryDatabase()
    try record(header(1), [prediction(0)], in: RunStore(database.path, for: .write))
    let next = Schema(
      Migrations.all
        + [Migration(name: "V9998__more", sql: "CREATE TABLE more (x INTEGER) STRICT;")])
    let store = try RunStore(database.path, for: .read, schema: next)
    #expect(try store.readOnly("SELECT count(*) FROM more").rows == [[.integer(0)]])
    let last = try #require(Migrations.all.last?.name)
    let backup = try RunStore(database.path + ".backup-\(last)", for: .read)
    #expect(try backup.query("runs").rows.count == 1)
    #expect(throws: ElbowError.self) { try backup.readOnly("SELECT * FROM more") }
  }

  /// What an older program is recording would fail under it.
  @Test func filesThatAreRecordedIntoStayAsTheyAre() throws {
    let database = TemporaryDatabase()
    let newer = TemporaryDatabase()
    let before = Array(Migrations.all.dropLast())
    _ = try RunStore(database.path, for: .write, schema: Schema(before))
    let writer = RunWriter(try RunStore(newer.path, for: .write))
    let header = header(1)
    try writer.receive(.started(header))
    let queue = try DatabaseQueue(patient: database.path)
    try queue.inDatabase { db in
      try db.execute(sql: "ATTACH '\(newer.path)' AS newer")
      for table in ["model", "configuration", "code_diff", "run", "session"] {
        let columns = try String.fetchAll(
          db, sql: "SELECT '\"' || name || '\"' FROM pragma_table_info(?)", arguments: [table])
        let list = columns.joined(separator: ", ")
        try db.execute(
          sql: "INSERT INTO main.\(table) (\(list)) SELECT \(list) FROM newer.\(table)")
      }
      try db.execute(sql: "DETACH newer")
    }
    for access in [RunStore.Access.read, .write] {
      let error = #expect(throws: ElbowError.self) { try RunStore(database.path, for: access) }
      #expect(error?.description.contains("an older Elbow is recording run \(header.id)") == true)
    }
    // Of another machine nothing but the heartbeat is known.
    try database.execute("UPDATE session SET boot_id = 'other'")
    #expect(throws: ElbowError.self) { try RunStore(database.path, for: .read) }
    try database.execute("UPDATE session SET heartbeat_at = '2020-01-01T00:00:00.000Z'")
    let store = try RunStore(database.path, for: .read)
    #expect(try store.readOnly("SELECT status FROM runs").rows == [[.text("crashed")]])
    try writer.receive(.ended(ending))
  }

  /// A process that found migrations missing, and waits for the one that makes them.
  @Test func migrationsOfAnotherProcessAreNotMadeAgain() async throws {
    let database = TemporaryDatabase()
    let path = database.path
    let (old, new) = (Array(Migrations.all.prefix(4)), Migrations.all.dropFirst(4))
    _ = try RunStore(path, for: .write, schema: Schema(old))
    let other = try DatabaseQueue(patient: path)
    let store = try await other.writeWithoutTransaction { db in
      // A write that is committed leaves a log, so that opening the file waits for nobody.
      try db.execute(
        sql: "PRAGMA foreign_keys = OFF; UPDATE migration_checksum SET name = name")
      var opening: Task<RunStore, any Error>?
      try db.inTransaction(.immediate) {
        opening = Task.detached { try RunStore(path, for: .write) }
        Thread.sleep(forTimeInterval: 0.5)
        for migration in new {
          try db.execute(sql: migration.sql)
          try db.execute(
            sql: """
              INSERT INTO grdb_migrations VALUES (:name); INSERT INTO migration_checksum VALUES (:name, :sum)
              """,
            arguments: ["name": migration.name, "sum": SHA256.hexDigest(of: migration.sql)])
        }
        return .commit
      }
      return try #require(opening)
    }.value
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
    try record(header(1), [prediction(0)], in: store)
    try? FileManager.default.removeItem(atPath: "\(path).backup-\(old[3].name)")
  }

  /// What says how losses are weighed is NULL where none are.
  @Test func networksHaveNoLosses() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var network = header(1)
    network.configuration = Records.Configuration(
      classifier: .cnn, model: String(repeating: "a", count: 64))
    (network.timesteps, network.timestepsAsked, network.recordsLosses) = ([], nil, false)
    var answer = prediction(0)
    answer.losses = nil
    try record(network, [answer], in: store)
    let columns = ["strategy", "timesteps", "grid", "weights", "noise", "loss", "reduction", "lm"]
    let shown = try store.readOnly(
      "SELECT classifier, accuracy, \(columns.joined(separator: ", ")) FROM runs")
    #expect(
      shown.rows == [[.text("cnn"), .real(1)] + [Cell](repeating: .null, count: columns.count)])
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
    // The next run of another classifier has them.
    try record(header(1), [prediction(0)], in: store)
    #expect(
      try store.readOnly("SELECT count(*) FROM runs WHERE grid IS NULL").rows == [[.integer(1)]])
  }

  /// A file of the first schema keeps its runs, which were all live, and takes trainings.
  @Test func olderFilesAreMigrated() throws {
    let database = TemporaryDatabase()
    _ = try RunStore(database.path, for: .write, schema: Schema([Migrations.all[0]]))
    let hash = String(repeating: "a", count: 64)
    try database.execute(
      """
      INSERT INTO model VALUES ('\(hash)', 'm', 'F32', 7, '{}');
      INSERT INTO configuration VALUES ('\(hash)', '\(configurationJSON)', 'dc', '\(hash)', NULL, 'g', 'edm',
        'squared', 'sum', 1, 'shared', 0, 0, 1, 'full', NULL, NULL, NULL, NULL, NULL, NULL);
      INSERT INTO run (id, status, fingerprint, images, timesteps, seed, class_names, channels,
        height, width, records_losses, invocation, started_at)
      VALUES ('01AAAAAAAAAAAAAAAAAAAAAAAA', 'finished', '\(hash)', 1, 1, 0, '[]', 1, 1, 1, 0, '{}',
        '');
      """)
    let store = try RunStore(database.path, for: .write)
    let runs = try store.readOnly("SELECT grid, timesteps, loss, replay_of FROM runs")
    #expect(runs.rows == [[.text("g"), .integer(1), .text("squared"), .null]])
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
    _ = try TrainingWriter(store, Self.training)
    #expect(try store.query("trainings").rows.count == 1)
  }

  private static let training = TrainingHeader(
    id: String(repeating: "T", count: 26), kind: "diffusion", recipe: "{}", dataset: "d",
    datasetSHA256: String(repeating: "a", count: 64), initialSHA256: nil, steps: 9, firstStep: 0,
    modelPath: "m", threads: 1, blas: "b", instructionSet: "i", arguments: ["elbow"])

  /// A training that goes on is one training with two sessions; a step reported again keeps the
  /// last value.
  @Test func trainingsGoOn() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let first = try TrainingWriter(store, Self.training)
    try first.log([.init(step: 1, name: "loss", value: 3), .init(step: 2, name: "loss", value: 2)])
    let status = "SELECT status FROM trainings"
    #expect(try store.readOnly(status).rows == [[.text("running")]])
    let second = try TrainingWriter(store, Self.training)
    try second.log([
      .init(step: 2, name: "loss", value: 1.5), .init(step: 2, name: "validation_loss", value: 4),
      .init(step: 1, name: "validation_loss", value: 5),
    ])
    let ending = RunEnding(status: .finished, wallSeconds: 2, cpuSeconds: 3, peakMemory: 4)
    try second.finish(ending, model: String(repeating: "b", count: 64))
    let shown = try store.readOnly(
      "SELECT status, steps_done, loss, validation_loss, wall_seconds FROM trainings")
    #expect(
      shown.rows == [[.text("finished"), .integer(2), .real(1.5), .real(4), .real(2)]])
    let metrics = try store.query("training-metrics", ["training": Self.training.id])
    #expect(metrics.rows.count == 4)
    let sessions = try store.readOnly("SELECT count(*) FROM training_session")
    #expect(sessions.rows == [[.integer(2)]])
  }

  /// What sessions say of the libraries is what the package is built with.
  @Test func versionsAreThoseThatAreBuiltWith() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let manifest = try String(
      contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
    let lines = manifest.split(separator: "\n").filter { $0.contains(".package(url:") }
    for (library, version) in libraryVersions {
      #expect(
        lines.contains { $0.contains("/\(library)") && $0.contains("exact: \"\(version)\"") },
        "\(library) \(version) is not what Package.swift pins")
    }
  }

  @Test func editedMigrationsAreNoticed() throws {
    let database = TemporaryDatabase()
    _ = try RunStore(database.path, for: .write)
    try database.execute("UPDATE migration_checksum SET sha256 = 'other'")
    let error = try #require(throws: ElbowError.self) {
      try RunStore(database.path, for: .write)
    }
    #expect(error.description.contains("another text of migration V0001__runs"))
  }

  @Test func manyCanMakeTheSameFileAtOnce() async throws {
    let database = TemporaryDatabase()
    let path = database.path
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let store = try RunStore(path, for: .write)
          try record(header(2), [prediction(0), prediction(1)], in: store)
        }
      }
      try await group.waitForAll()
    }
    let store = try RunStore(path, for: .read)
    #expect(try store.query("runs").rows.count == 4)
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
  }

  @Test func runsAreNamedByTheirBeginning() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var (a, b) = (header(1), header(1))
    a.id = "01AAAAAAAAAAAAAAAAAAAAAAAA"
    b.id = "01AAAAAAAABBBBBBBBBBBBBBBB"
    for run in [a, b] { try record(run, [prediction(0)], in: store) }
    #expect(try store.runID("01aaaaaaaab") == b.id)
    #expect(try store.runID(a.id) == a.id)
    for wrong in ["", "01A", "02", "01'; DROP TABLE run; --"] {
      #expect(throws: ElbowError.self) { try store.runID(wrong) }
    }
  }
}
