import Basics
import Foundation
import GRDB
import Records
import Reporting
import RunStore
import TestSupport
import Testing

/// Databases that anybody may have written: damaged page by page, and sound with impossible values.
@Suite(.serialized) struct DatabaseTests {
  /// A small file with a clean run, an attacked one, and metrics.
  private static func make(_ path: String) throws {
    let store = try RunStore(path, for: .write)
    let attack = AttackConfiguration(name: "fgsm", norm: .linf, epsilon: 0.5)
    var attacked = prediction(0)
    attacked.attack = AttackOutcome(cleanPredicted: 1)
    attacked.attack?.attempted = true
    attacked.attack?.image = [0.25, 0.75]
    try record(header(2), [prediction(0), prediction(1, correct: false)], in: store)
    let run = try record(header(1, attack: attack), [attacked], in: store)
    var writer = MetricWriter(store, run: run.id)
    try writer.log(["loss": 0.5, "other": .nan], step: 1)
    try writer.flush()
    store.close()
  }

  /// What reads a file, or one run of it, as commands do.
  private typealias Reader =
    @Sendable (_ store: RunStore, _ runs: ResultTable, _ path: String) throws -> Void

  private static let readers: [Reader] =
    TableFormat.allCases.map { format in { _, runs, _ in _ = format.render(runs) } }
    + ["health", "trash", "trainings", "configurations", "robustness"].map { name in
      { store, _, _ in _ = try store.query(name) }
    }
    + ["losses", "predictions", "class-elbos", "confusion", "run", "sessions"].map { name in
      ofRuns { store, id in _ = try store.query(name, ["run": id]) }
    }
    + [
      { _, runs, _ in _ = TableFormat.table.render(RunSummary.table(runs)) },
      { _, runs, _ in _ = RunSummary.tradeOff(runs) },
      ofRuns { store, id in
        _ = try RunPage(id, store, times: TimeDisplay(now: Date(), zone: .gmt)).text()
      },
      ofRuns { store, id in _ = try store.recordedRun(id) },
      ofRuns { store, id in _ = try store.recordedHeader(id) },
      ofRuns { store, id in _ = try store.recordedPredictions(id) },
      ofRuns { store, id in _ = try store.losses(run: id, position: 0) },
      ofRuns { store, id in _ = try store.adversarialImage(run: id, position: 0) },
    ]

  /// The report, whose figures are drawn by another program: a hundred times the cost of the others.
  private static let report: Reader = { store, runs, path in
    _ = try RunReport(runs, store, database: path).html()
  }

  private static func ofRuns(_ read: @escaping @Sendable (RunStore, String) throws -> Void)
    -> Reader
  {
    { store, runs, _ in
      for id in runs.rows.prefix(3).compactMap({ $0[0].string }) { try read(store, id) }
    }
  }

  /// Reads a file, which may throw: by the readers whose turn it is, or by all.
  private static func read(_ path: String, turn: Int?) throws {
    let store = try RunStore(path, for: .read)
    try store.within(.seconds(5)) {
      let runs = try store.query("runs")
      var due = turn.map { [readers[$0 % readers.count]] } ?? readers
      if turn.map({ $0 % 1000 == 0 }) ?? true { due.append(report) }
      for read in due { do { try read(store, runs, path) } catch is ElbowError {} }
    }
  }

  @Test func damagedPages() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.db")
    try Self.make(path)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    // The mutator's inputs say where the file is changed: it is too long to be one of them.
    try Fuzzer("pages", [Array(0..<32), Array(repeating: 255, count: 8)]).run { input, turn in
      var damaged = bytes
      var rest = input.prefix(64)
      while rest.count >= 4 {
        let place = rest.prefix(3).reduce(0) { $0 << 8 | Int($1) } % damaged.count
        damaged[place] = rest[rest.startIndex + 3]
        rest = rest.dropFirst(4)
      }
      if input.count % 8 == 7 { damaged.removeLast(damaged.count / 3) }
      for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      try Self.read(path, turn: turn)
    }
  }

  /// Values that no program of ours writes.
  private static let values = [
    "NULL", "-1", "0", "1", "4611686018427387904", "-9223372036854775808", "9e999", "-9e999",
    "1e-300", "0.5", "''", "'x'", "x''", "x'00'", "zeroblob(1000)", "'[]'", "'{}'", "'null'",
    "'[1,\"x\",null]'", "'2099-01-01T00:00:00.000Z'", "char(27, 93, 8238, 7)",
  ]

  @Test func impossibleValues() throws {
    let folder = try TemporaryFolder()
    let (path, sound) = (folder.file("a.db"), folder.file("sound.db"))
    try Self.make(sound)
    let queue = try DatabaseQueue(patient: sound)
    let columns = try queue.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT t.name AS "table", c.name AS "column" FROM sqlite_schema AS t
          JOIN pragma_table_info(t.name) AS c
          WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'grdb%'
            AND t.name <> 'migration_checksum'
          """
      ).map { (table: $0["table"] as String, column: $0["column"] as String) }
    }
    try queue.close()
    try Fuzzer("values", [Array(0..<8), Array(100..<120)]).run { input, turn in
      for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
      try FileManager.default.copyItem(atPath: sound, toPath: path)
      var rest = input.prefix(8)
      let queue = try DatabaseQueue(patient: path)
      try queue.writeWithoutTransaction { db in
        try db.execute(
          sql: "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;"
            + "PRAGMA recursive_triggers = OFF")
        while rest.count >= 4 {
          let part = Array(rest.prefix(4)).map(Int.init)
          rest = rest.dropFirst(4)
          let (table, column) = columns[(part[0] << 8 | part[1]) % columns.count]
          let value = Self.values[part[2] % Self.values.count]
          let place = part[3] % 2 == 0 ? "" : " LIMIT 1"
          // Types and triggers may refuse it, which is well.
          try? db.execute(
            sql: "UPDATE \"\(table)\" SET \"\(column)\" = \(value)"
              + (place.isEmpty
                ? "" : " WHERE \"\(column)\" = (SELECT \"\(column)\" FROM \"\(table)\" LIMIT 1)"))
        }
      }
      try queue.close()
      try Self.read(path, turn: turn)
    }
  }
}
