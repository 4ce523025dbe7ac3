import Basics
import Foundation
import GRDB
import Migrations
import Queries
import Records
import RunStore
import TestSupport
import Testing

/// The package's folder.
private let root = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private func sqlFiles(_ folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(
    atPath: root.appending(path: folder).path(percentEncoded: false)
  )
  .filter { $0.hasSuffix(".sql") }.map { String($0.dropLast(4)) }.sorted()
}

@Suite struct CatalogueTests {
  @Test func foldersAndCataloguesAgree() throws {
    #expect(try sqlFiles("Queries") == Queries.all.map(\.name).sorted())
    #expect(try sqlFiles("Migrations") == Migrations.all.map(\.name))
    #expect(Migrations.all.map(\.name) == Migrations.all.map(\.name).sorted())
    #expect(try sqlFiles("Migrations/Views") == Views.current.all.map(\.name))
  }

  /// Every query prepares against the schema, with the parameters that its header names and no
  /// others; those of one run reach the big tables by index.
  @Test func queriesPrepareAndUseIndices() throws {
    let queue = try DatabaseQueue()
    try queue.write { db in
      for migration in Migrations.all { try db.execute(sql: migration.sql) }
      for view in Views.current.all { try db.execute(sql: view.sql) }
    }
    try queue.inDatabase(LossRows.install)
    queue.inDatabase(ChecksumFunctions.install)
    queue.inDatabase(SmoothingFunction.install)
    let big = [
      "prediction", "run_input", "input", "class_evidence", "class_elbo", "loss_blob", "loss",
      "adversarial_image",
    ]
    for query in Queries.all {
      try queue.read { db in
        let statement = try db.makeStatement(sql: query.sql)
        #expect(statement.isReadonly)
        var values: [String: (any DatabaseValueConvertible)?] = [:]
        for parameter in query.parameters { values[parameter.name] = 1 }
        try statement.validateArguments(StatementArguments(values))
        for name in values.keys { #expect(query.sql.contains(":\(name)"), "\(query.name)") }
        guard query.parameters.contains(where: { $0.description.hasPrefix("full id") }) else {
          return
        }
        let plan = try Row.fetchAll(
          db, sql: "EXPLAIN QUERY PLAN \(query.sql)", arguments: StatementArguments(values)
        ).map { $0["detail"] as String }
        for step in plan where step.hasPrefix("SCAN") || step.hasPrefix("MATERIALIZE") {
          let table = step.split(separator: " ")[1]
          #expect(!big.contains(String(table)), "\(query.name): \(step)")
        }
      }
    }
  }

  /// Rows are counted without being put in order, which changes nothing of their number.
  @Test func countsAreOfAllRows() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let runs = try (0..<3).map { try record(header($0 + 1), [prediction(0)], in: store).id }
    #expect(Queries.all.count { $0.unordered != $0.sql } > 30)
    for query in Queries.all where query.parameters.allSatisfy({ $0.kind == .run }) {
      let values = Dictionary(uniqueKeysWithValues: query.parameters.map { ($0.name, runs[0]) })
      #expect(
        try store.count(query.name, values) == store.query(query.name, values).rows.count,
        "\(query.name)")
    }
    #expect(try store.count("runs", where: RowFilter("images > 1")) == 2)
    #expect(try store.count("runs", where: RowFilter("tags.stage = 'final'")) == 3)
    let nested = try #require(Queries.named("metric-curves"))
    #expect(nested.sql.hasPrefix(nested.unordered) && !nested.unordered.hasSuffix(";"))
  }

  /// The views are plain SQL: any SQLite from 3.37 (STRICT) on reads them without our functions.
  @Test func viewsNeedNoFunctionsOfOurs() throws {
    let database = TemporaryDatabase()
    try record(header(1), [prediction(0)], in: RunStore(database.path, for: .write))
    let plain = try DatabaseQueue(patient: database.path)
    try plain.read { db in
      for view in Views.current.all.map(\.name) {
        _ = try Row.fetchAll(db, sql: "SELECT * FROM \(view)")
      }
      let columns = try db.columns(in: "predictions").map(\.name)
      #expect(
        columns.prefix(6) == ["run_id", "image_index", "label", "predicted", "correct", "nfe"])
      #expect(
        try db.columns(in: "class_elbos").map(\.name).prefix(5)
          == ["run_id", "image_index", "class", "elbo", "last_round"])
    }
  }
}
