import Basics
import Foundation
import GRDB
import Migrations
import Records
import RunStore
import TestSupport
import Testing

/// Views that are files, replaced by a number that only rises.
@Suite struct ViewsTests {
  /// Whoever changes a view raises the number, and tells here what the views are then.
  @Test func numbersAreOfOneText() {
    let text = Views.current.all.map { "-- \($0.row)\n\($0.sql)" }.joined()
    #expect(
      [Views.current.number: SHA256.hexDigest(of: text)] == [
        13: "8c33fbfbffc8e10cee356fd223cff6cebf853263058d9045736ee423bd25ff88"
      ])
  }

  /// The file itself says what its views hold.
  @Test func filesTellWhatTheyHold() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let about = try store.readOnly("SELECT name, one_row_is FROM about ORDER BY name").rows
    #expect(about.map { $0[0] } == Views.current.all.map { .text($0.name) })
    for row in about {
      guard case .text(let text) = row[1] else { continue }
      #expect(text.hasPrefix("One row ") && text.hasSuffix("."), "\(row[0]): \(text)")
    }
    let views = try store.readOnly(
      "SELECT name FROM main.sqlite_schema WHERE type = 'view' ORDER BY name")
    #expect(views.rows == about.map { [$0[0]] })
  }

  private static func views(_ number: Int, _ extra: String) -> Views {
    let view = StoredView(
      name: extra, sql: "CREATE VIEW \(extra) AS SELECT \(number) AS number", row: "One row.")
    return Views(number: number, Views.current.all + [view])
  }

  private func schema(_ number: Int, _ extra: String) -> Schema {
    Schema(Migrations.all, views: Self.views(number, extra))
  }

  /// A higher number replaces what a lower one made, a lower one leaves it; users' views stay.
  @Test(arguments: [RunStore.Access.read, .write])
  func higherNumbersReplaceLowerOnes(access: RunStore.Access) throws {
    let database = TemporaryDatabase()
    try record(header(1), [prediction(0)], in: RunStore(database.path, for: .write))
    try database.execute("CREATE VIEW mine AS SELECT name FROM runs")
    let next = try RunStore(database.path, for: access, schema: schema(1001, "first"))
    #expect(next.notice == nil)
    #expect(try next.readOnly("SELECT number FROM first").rows == [[.integer(1001)]])
    let later = try RunStore(database.path, for: access, schema: schema(1002, "second"))
    #expect(try later.readOnly("SELECT number FROM second").rows == [[.integer(1002)]])
    #expect(throws: ElbowError.self) { try later.readOnly("SELECT * FROM first") }
    for schema in [schema(1001, "first"), .current] {
      let older = try RunStore(database.path, for: access, schema: schema)
      #expect(try older.readOnly("SELECT number FROM second").rows == [[.integer(1002)]])
      #expect(try older.query("runs").rows.count == 1)
    }
    #expect(try later.readOnly("SELECT name FROM mine").rows == [[.text("first")]])
    // A later migration finds no views in its way, and leaves those of its own program.
    let more = Schema(
      Migrations.all + [
        Migration(name: "V9998__more", sql: "ALTER TABLE run RENAME COLUMN note TO remark")
      ], views: Self.views(1003, "third"))
    let migrated = try RunStore(database.path, for: access, schema: more)
    #expect(try migrated.readOnly("SELECT number FROM third").rows == [[.integer(1003)]])
    #expect(throws: ElbowError.self) { try migrated.readOnly("SELECT * FROM second") }
    let name = try #require(Migrations.all.last?.name)
    #expect(FileManager.default.fileExists(atPath: "\(database.path).backup-\(name)"))
  }

  /// Reading a file that is as it should be writes nothing.
  @Test func currentFilesAreNotWritten() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try record(header(1), [prediction(0)], in: store)
    store.close()
    let before = try Data(contentsOf: URL(fileURLWithPath: database.path))
    for _ in 0..<2 {
      #expect(try RunStore(database.path, for: .read).query("runs").rows.count == 1)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: database.path)) == before)
  }

  /// Programs of several numbers open the same file at once: the highest stays.
  @Test func manyCanReplaceAtOnce() async throws {
    let database = TemporaryDatabase()
    let path = database.path
    try record(header(1), [prediction(0)], in: RunStore(path, for: .write))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...8 {
        group.addTask {
          let schema = Schema(Migrations.all, views: Self.views(2000 + number, "extra"))
          let store = try RunStore(
            path, for: number.isMultiple(of: 2) ? .read : .write, schema: schema)
          #expect(try store.query("runs").rows.count == 1)
        }
      }
      try await group.waitForAll()
    }
    let store = try RunStore(path, for: .read)
    #expect(try store.readOnly("SELECT number FROM extra").rows == [[.integer(2008)]])
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
  }

  /// Names beside numbers, and what the images are.
  @Test func namesStandBesideNumbers() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let header = header(2)
    try record(header, [prediction(0), prediction(1)], in: store)
    try store.group([header.id], "late")
    #expect(
      try store.readOnly("SELECT label_name, predicted_name FROM predictions ORDER BY position")
        .rows
        == [[.text("cat"), .text("dog")], [.text("dog"), .text("dog")]])
    #expect(
      try store.readOnly("SELECT class, name FROM class_names ORDER BY class").rows
        == [[.integer(0), .text("cat")], [.integer(1), .text("dog")]])
    #expect(
      try store.readOnly("SELECT run_group, \"group\", inputs FROM runs").rows
        == [[.text("late"), .text("late"), .text("clean")]])
    let libraries = try store.readOnly("SELECT libraries FROM session").rows[0][0]
    let known = JSONValue.object(libraryVersions.mapValues { .string($0) }).canonical
    #expect(libraries == .text(known))
  }

  /// The stored view reads what the program reads, bit by bit, with no function of the program's.
  @Test func lossesAreReadWithoutTheProgram() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var random = SystemRandomNumberGenerator()
    // Of every exponent, with the least and greatest fractions.
    var values: [Float] = (0..<255).flatMap { exponent -> [Float] in
      [0, 1, 0x7F_FFFF, UInt32.random(in: 0...0x7F_FFFF, using: &random)].map {
        Float(bitPattern: UInt32(exponent) << 23 | $0)
      }
    }
    values += [.infinity, -0.0, -1.5, -.leastNonzeroMagnitude]
    var dense = prediction(0)
    dense.losses = .dense(values)
    var sparse = prediction(1)
    sparse.losses = .sparse(
      values.map {
        .init(
          draw: .random(in: 0..<1 << 30), timestep: .random(in: 0..<300),
          label: .random(in: 0..<70_000), value: $0)
      })
    var empty = prediction(2)
    empty.losses = .dense([])
    let header = try record(header(3), [dense, sparse, empty], in: store)
    let plain = try DatabaseQueue(patient: database.path)
    let columns = "run_id, image_index, position, draw, timestep, class, loss"
    let rows = try plain.read {
      try Row.fetchAll($0, sql: "SELECT \(columns) FROM losses ORDER BY position")
    }
    let program = try store.readOnly("SELECT \(columns) FROM losses ORDER BY position").rows
    try #require(rows.count == 2 * values.count && program.count == rows.count)
    for (i, row) in rows.enumerated() {
      for column in 0..<6 {
        let value: Cell =
          column == 0 ? .text(row[0]) : .integer(row[column] as Int64)
        #expect(value == program[i][column])
      }
      let loss = row[6] as Double
      // Exactly the recorded number.
      #expect(loss == Double(values[i % values.count]))
      guard case .real(let own) = program[i][6] else {
        Issue.record("losses are numbers")
        return
      }
      #expect(Float(own) == values[i % values.count] || own.isInfinite)
    }
    let one = try plain.read {
      try String.fetchAll(
        $0, sql: "EXPLAIN QUERY PLAN SELECT * FROM losses WHERE run_id = '\(header.id)'",
        adapter: SuffixRowAdapter(fromIndex: 3))
    }
    #expect(one.contains { $0.hasPrefix("SEARCH run USING PRIMARY KEY") }, "\(one)")
    #expect(one.contains { $0.hasPrefix("SEARCH record USING INDEX") }, "\(one)")
  }
}
