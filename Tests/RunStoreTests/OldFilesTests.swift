import Basics
import Foundation
import GRDB
import Migrations
import Records
import RunStore
import TestSupport
import Testing

/// Files of every schema before this one answer as they did.
@Suite struct OldFilesTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/OldFiles")

  /// The schemas that there are files of. V0009 and V0010 came at once: no program wrote the first
  /// of them alone.
  static let schemas = Migrations.all.map(\.name).filter { $0 <= Views.firstMigration }

  /// A copy of the file of a schema.
  static func copy(_ schema: String, to path: String) throws {
    try FileManager.default.copyItem(
      atPath: folder.appending(path: "\(schema).sqlite").path(percentEncoded: false), toPath: path)
  }

  /// Rows of queries that the program of then gave.
  static func expected(_ schema: String) throws -> [String: [[String: JSONValue]]] {
    let data = try Data(contentsOf: folder.appending(path: "\(schema).json"))
    let all = try JSONDecoder().decode([String: JSONValue].self, from: data)
    return all.mapValues { value in
      // A query of one row is not in a list.
      let rows = if case .array(let rows) = value { rows } else { [value] }
      return rows.compactMap { if case .object(let row) = $0 { row } else { nil } }
    }
  }

  private func expect(
    _ table: ResultTable, _ expected: [[String: JSONValue]], _ what: Comment
  ) throws {
    try #require(table.rows.count == expected.count, what)
    for (cells, row) in zip(table.rows, expected) {
      for (column, value) in row {
        let index = try #require(table.columns.firstIndex(of: column), "\(what): \(column)")
        #expect(cells[index].json == value, "\(what): \(column)")
      }
    }
  }

  @Test(arguments: schemas) func filesAnswerAsTheyDid(schema: String) throws {
    let database = TemporaryDatabase()
    try Self.copy(schema, to: database.path)
    let store = try RunStore(database.path, for: .read)
    let expected = try Self.expected(schema)
    func rows(_ name: String) throws -> [[String: JSONValue]] { try #require(expected[name]) }
    let ids = Dictionary(
      uniqueKeysWithValues: try rows("runs").compactMap { row -> (String, String)? in
        guard case .string(let name)? = row["name"], case .string(let id)? = row["id"] else {
          return nil
        }
        return (name, id)
      })
    func id(_ name: String) throws -> String { try #require(ids[name]) }
    try expect(store.query("runs"), rows("runs"), "runs")
    let compared = try ["clean full", "clean uniform", "fgsm", "on fgsm's images"].map(id)
    let list = JSONValue.array(compared.map { .string($0) }).canonical
    try expect(store.query("comparison", ["runs": list]), rows("comparison"), "comparison")
    try expect(
      store.query("paired", ["a": id("clean full"), "b": id("on fgsm's images")]), rows("paired"),
      "paired")
    try expect(
      store.query("flips", ["a": id("clean full"), "b": id("fgsm")]), rows("flips"), "flips")
    try expect(store.query("pareto"), rows("pareto"), "pareto")
    try expect(
      store.query("pareto", ["norm": "linf", "epsilon": "\(8.0 / 255)"]), rows("robust"), "robust")
    try expect(store.query("robustness"), rows("robustness"), "robustness")
    try expect(
      store.query("evidence", ["run": id("clean full")]), rows("evidence"), "evidence")
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
    let backup = try RunStore("\(database.path).backup-\(schema)", for: .read)
    try expect(backup.query("runs"), rows("runs"), "the backup's runs")
  }

  /// A run of then has the id of the question that the same run would have now.
  @Test(arguments: schemas) func questionsAreTold(schema: String) throws {
    let database = TemporaryDatabase()
    try Self.copy(schema, to: database.path)
    let store = try RunStore(database.path, for: .write)
    let runs = try store.query(
      "runs", columns: ["id", "question", "attack", "inputs_run", "inputs"])
    #expect(runs.rows.count >= 7)
    for row in runs.rows {
      guard case .text(let id) = row[0] else { continue }
      let header = try store.recordedHeader(id)
      #expect(row[1] == .text(try header.question.id()))
      #expect(try store.recordedRun(id).question == header.question.id())
      #expect(row[4] == .text(row[3] == .null ? "clean" : "attacked"))
      if let attack = header.attack {
        #expect(attack.epsilon == 8.0 / 255)
        #expect(row[2] == .text(attack.name))
        #expect(attack.steps == (attack.name == "fgsm" ? 1 : 2))
      }
      // What an attack made is of the image that it was made from.
      let images = try store.readOnly(
        "SELECT count(*), count(DISTINCT image) FROM predictions WHERE run_id = '\(id)'")
      #expect(images.rows[0][0] == images.rows[0][1])
    }
    let images = try store.readOnly(
      "SELECT count(DISTINCT image) FROM predictions WHERE image_index = 0")
    #expect(images.rows == [[.integer(1)]])
    // The next run of a question finds the one of then.
    let first = try #require(runs.rows.last)
    guard case .text(let id) = first[0] else { return }
    let header = try store.recordedHeader(id)
    #expect(try store.precedents(of: header, code: CurrentCode()).map(\.id).contains(id))
  }
}

extension OldFilesTests {
  /// A run whose maker somebody deleted keeps what it is, and the file its references.
  @Test func makersThatAreGoneAreRemembered() throws {
    let database = TemporaryDatabase()
    try Self.copy("V0007__room", to: database.path)
    // With foreign keys, as other programs may have them.
    try database.execute("DELETE FROM run WHERE name IN ('fgsm', 'clean full')")
    let store = try RunStore(database.path, for: .write)
    func shown() throws -> [[Cell]] {
      try store.query(
        "runs", where: RowFilter("inputs_run IS NOT NULL OR replay_of IS NOT NULL"),
        columns: ["name", "inputs", "n_done"], order: ["name"]
      ).rows
    }
    let rows: [[Cell]] = [
      [.text("on fgsm's images"), .null, .integer(4)],
      [.text("replayed"), .text("clean"), .integer(4)],
    ]
    #expect(try shown() == rows)
    #expect(try store.query("trash").rows.count == 2)
    _ = try store.collect(dryRun: false)
    #expect(try shown() == rows)
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
    // Once nothing was made from them they go.
    let made = try store.query(
      "runs", where: RowFilter("inputs_run IS NOT NULL OR replay_of IS NOT NULL"), columns: ["id"])
    _ = try store.trash(made.rows.compactMap { if case .text(let id) = $0[0] { id } else { nil } })
    _ = try store.collect(dryRun: false)
    #expect(try store.query("trash").rows.isEmpty)
  }
}

extension Cell {
  /// As JSON has it; numbers that are not finite are none there.
  var json: JSONValue {
    switch self {
    case .null: .null
    case .integer(let value): .number(Double(value))
    case .real(let value): value.isFinite ? .number(value) : .null
    case .text(let value): .string(value)
    case .blob: .null
    }
  }
}
