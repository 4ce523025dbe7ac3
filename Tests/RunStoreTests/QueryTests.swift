import Basics
import Foundation
import GRDB
import Queries
import Records
import RunStore
import TestSupport
import Testing

@Suite struct QueryTests {
  private func store(_ database: borrowing TemporaryDatabase) throws -> RunStore {
    let store = try RunStore(database.path, for: .write)
    for (strategy, right) in [("full", 3), ("uniform:2", 2), ("uniform:1", 1)] {
      try record(
        header(4, strategy: strategy), (0..<4).map { prediction($0, correct: $0 < right) },
        in: store)
    }
    return store
  }

  /// A damaged file may list a run that it does not find: what has one row is never taken for granted.
  @Test func rowsThatAreMissingAreTold() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let error = try #require(throws: ElbowError.self) {
      try store.query(.run("01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    }
    #expect(error.code == .damaged && error.message.contains("'run', of one row"))
    #expect(try store.query(.predictions(of: "01ARZ3NDEKTSV4RRFFQ69G5FAV")).rows.isEmpty)
  }

  @Test(arguments: [
    ("accuracy > 0.5", 1), ("accuracy >= 0.5", 2), ("accuracy >= .5 AND strategy = 'full'", 1),
    ("strategy LIKE 'uniform%'", 2), ("strategy NOT LIKE 'uniform%'", 1),
    ("NOT strategy = 'full'", 2), ("strategy IN ('full', 'uniform:1')", 2),
    ("strategy NOT IN ('full')", 2), ("attack IS NULL", 3), ("attack IS NOT NULL", 0),
    ("accuracy > 0.7 OR accuracy < 0.3", 2),
    ("(accuracy > 0.7 OR accuracy < 0.3) AND images = 4", 2),
    ("metrics.accuracy == 0.75", 1), ("params.strategy != \"strategy\"", 0),
    ("tags.stage = 'final'", 3), ("tags.stage = 'other'", 0), ("tags.none IS NULL", 3),
    ("ACCURACY <> 0.75", 2), ("name = 'it''s'", 0), ("not not images = 4", 3),
    ("n_correct <= 2 and nfe_per_image < 1e3", 2), ("seed = +5 AND seed > -1", 3),
    ("\"group\" IS NULL", 3), ("accuracy = 75%", 1), ("accuracy >= 2/4", 2),
    ("accuracy IN (3/4, 25%)", 2), ("params.draws = 1", 3), ("draws = 2", 0),
    ("logit_scale = 1 AND metrics.accuracy < 60%", 2), ("attributes.status = 'finished'", 3),
    ("antithetic = 0 AND tags.stage IN ('final')", 3), ("strategy LIKE '%orm:2'", 1),
  ])
  func conditions(text: String, count: Int) throws {
    let database = TemporaryDatabase()
    #expect(try store(database).query("runs", where: RowFilter(text)).rows.count == count)
  }

  @Test(arguments: [
    ("acuracy > 1", "did you mean 'accuracy'"), ("accuracy >", "ends too early"),
    ("accuracy", "expected a comparison"), ("accuracy > 1; DROP TABLE run", "';' has no place"),
    ("accuracy > 1 --", "is no number"), ("1 = 1 OR (", "ends too early"),
    ("accuracy IN 1", "expected '('"), ("name = 'x", "a quote is not closed"),
    ("accuracy > (SELECT 1)", "'(' stands where"), ("name IS 3", "expected 'NULL'"),
    ("load_extension('x') = 1", "no column 'load_extension'"),
    ("accuracy > 1 accuracy", "not expected"),
    ("", "ends too early"), ("accuracy NOT > 1", "expected a comparison"),
    ("accuracy > 8/", "is no number"), ("accuracy > 1/0", "is no number"),
    ("accuracy > 8/2/2", "is no number"), ("accuracy > 8%%", "is no number"),
    ("seconds > 1", "could be 'seconds_per_image' or 'attack_seconds_per_image'"),
    ("stage = 'final'", "the tag is 'tags.stage'"), ("params.drws = 1", "did you mean 'draws'"),
    ("status = 'replayed'", "replay_of IS NOT NULL"), ("'DC' <> classifier", "did you mean 'dc'"),
    ("status NOT IN ('failed', 'finsihed')", "did you mean 'finished'"),
    ("nfe > 1", "did you mean 'nfe_per_image'"), ("json = 'x'", "no column 'json'"),
    ("name = halving", "no column 'halving'; a text stands in single quotes: 'halving'"),
    ("name = \"it's\"", "single quotes: 'it''s'"), ("strategy IN ('full', uniform)", "'uniform'"),
    ("accuracy < acuracy_low", "did you mean 'accuracy_low'? (a text stands in single quotes"),
    ("accuracy > 80 %", "write 80% without a space"), ("% > 1", "'%' has no place"),
  ])
  func malformedConditions(text: String, message: String) throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    let error = try #require(throws: ElbowError.self) {
      try store.query("runs", where: RowFilter(text))
    }
    #expect([.unknownName, .malformed].contains(error.code))
    #expect(error.description.contains(message), "\(error)")
  }

  /// Seeds are shown, compared and found as the numbers that were given, whose upper half SQLite's
  /// integers do not hold.
  @Test func seedsHaveNoSign() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let seeds: [UInt64] = [7, 1 << 63 - 1, 1 << 63, 10_000_000_000_000_000_000, .max]
    var ids: [String] = []
    for seed in seeds {
      var run = header(1, attack: AttackConfiguration(name: "fgsm", norm: .linf, epsilon: 0.1))
      (run.seed, run.attackSeed) = (seed, seed)
      ids.append(try record(run, [prediction(0)], in: store).id)
      #expect(try store.recordedHeader(run.id).seed == seed)
    }
    /// As they are shown.
    func cell(_ seed: UInt64) -> Cell { Int64(exactly: seed).map(Cell.integer) ?? .text("\(seed)") }
    func found(_ condition: String) throws -> Set<Cell> {
      Set(
        try store.query("runs", where: RowFilter(condition), columns: ["seed"]).rows.map { $0[0] })
    }
    for seed in seeds {
      #expect(try found("seed = \(seed) AND attack_seed = \(seed)") == [cell(seed)])
    }
    let bounds =
      seeds.map { "\($0)" } + [
        "-1", "6.5", "8", "9999999999999999999", "10000000000000000000", "18446744073709551616",
        "1e30",
      ]
    for bound in bounds {
      let value = Decimal(string: bound) ?? 0
      for (sign, holds) in [
        ("<", { $0 < $1 }), ("<=", { $0 <= $1 }), (">", { $0 > $1 }), (">=", { $0 >= $1 }),
        ("<>", { $0 != $1 }), ("=", { $0 == $1 }),
      ] as [(String, (Decimal, Decimal) -> Bool)] {
        let expected = Set(seeds.filter { holds(Decimal($0), value) }.map(cell))
        #expect(try found("seed \(sign) \(bound)") == expected, "seed \(sign) \(bound)")
        #expect(
          try found("NOT \(bound) \(sign) attack_seed")
            == Set(seeds.map(cell)).subtracting(
              seeds.filter { holds(value, Decimal($0)) }.map(cell)), "\(bound) \(sign) attack_seed")
      }
    }
    #expect(try found("seed NOT IN (7, \(UInt64.max))") == Set(seeds[1...3].map(cell)))
    #expect(try found("seed LIKE '1844%'") == [cell(.max)])
    // Tags of that name are texts.
    try store.tag([ids[1]], set: ["seed": "abc"], removing: [])
    #expect(try found("tags.seed = 'abc' AND params.seed > 7") == [cell(1 << 63 - 1)])
    let ordered = try store.query("runs", columns: ["seed"], order: ["-seed"]).rows.map { $0[0] }
    #expect(ordered == seeds.reversed().map(cell))
    let differences = try store.query("diff", ["a": ids[0], "b": ids[4]]).rows
    #expect(
      differences.contains { $0.contains(.text("seed")) && $0.contains(.text("\(UInt64.max)")) })
  }

  @Test func ordersAndLimits() throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    let all = try store.query("runs").rows.map { $0[0] }
    let filtered = try store.query("runs", where: RowFilter("images = 4"), limit: 2).rows
    #expect(filtered.map { $0[0] } == Array(all.prefix(2)))
  }

  @Test func columnsAndOrders() throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    let table = try store.query(
      "runs", columns: ["strategy", "params.draws", "tags.stage", "Accuracy"],
      order: ["-accuracy"])
    #expect(table.columns == ["strategy", "params.draws", "tags.stage", "Accuracy"])
    #expect(
      table.rows == [
        [.text("full"), .integer(1), .text("final"), .real(0.75)],
        [.text("uniform:2"), .integer(1), .text("final"), .real(0.5)],
        [.text("uniform:1"), .integer(1), .text("final"), .real(0.25)],
      ])
    // Where the first is equal the second decides.
    let order = try store.query("runs", columns: ["strategy"], order: ["images", "strategy"])
    #expect(order.rows.map { $0[0] } == ["full", "uniform:1", "uniform:2"].map { .text($0) })
    for wrong in ["accuracy\" FROM run; --", "(SELECT 1)", "acuracy"] {
      #expect(throws: ElbowError.self) { try store.query("runs", columns: [wrong]) }
      #expect(throws: ElbowError.self) { try store.query("runs", order: [wrong]) }
    }
    #expect(try store.query("runs", columns: ["tags.it's\"x"]).rows.count == 3)
    #expect(try store.columns(["NFE_per_image"], of: "runs", flag: "-") == ["nfe_per_image"])
    #expect(throws: ElbowError.self) { try store.columns(["nfe"], of: "runs", flag: "--drop") }
  }

  @Test func nullsComeLast() throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    try database.execute(
      "UPDATE run SET name = NULL; "
        + "UPDATE run SET name = 'a' WHERE id = (SELECT max(id) FROM run)")
    for order in ["name", "-name"] {
      let names = try store.query("runs", columns: ["name"], order: [order]).rows.map { $0[0] }
      #expect(names == [.text("a"), .null, .null])
    }
  }

  @Test(arguments: [
    ("f", 2), ("rf", 2), ("finished", 2), ("i", 1), ("fi", 3), ("interrupted,finished", 3),
    ("c", 0), ("FI", 3),
  ])
  func statuses(text: String, count: Int) throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    try database.execute(
      "UPDATE run SET status = 'interrupted' WHERE id = (SELECT max(id) FROM run)")
    #expect(try store.query("runs", where: .status(text)).rows.count == count)
  }

  @Test func conditionsGoTogether() throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    // Each keeps to itself: an OR in one does not undo the other.
    let both = try RowFilter("accuracy > 70% OR accuracy < 30%").and(
      RowFilter("strategy = 'full' OR strategy = 'uniform:2'"))
    #expect(try store.query("runs", where: both).rows.count == 1)
    for wrong in ["x", "", "finishd", "f,i"] {
      #expect(throws: ElbowError.self) { try RowFilter.status(wrong) }
    }
    #expect(try store.query("runs", where: .started("last 1 minute")).rows.count == 3)
    #expect(try store.query("runs", where: .started("before yesterday")).rows.isEmpty)
  }

  @Test func pairsAndConfusion() throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    let ids = try store.query("runs").rows.compactMap { row -> String? in
      if case .text(let id) = row[0] { id } else { nil }
    }
    let pair = try store.query("paired", ["a": ids[2], "b": ids[0]])
    #expect(pair.rows == [[4, 1, 2, 0, 1].map { .integer($0) }])
    let confusion = try store.query("confusion", ["run": ids[0]])
    #expect(
      confusion.rows == [
        [.integer(0), .integer(1), .integer(2)], [.integer(1), .integer(1), .integer(2)],
      ])
    let front = try store.query("pareto-front", ["dataset": "pets"])
    #expect(front.rows.count == 1)
    // The name that it had.
    #expect(try store.query("frontier", ["dataset": "pets"]) == front)
  }

  @Test func parametersAreChecked() throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    func message(_ name: String, _ values: [String: String]) throws -> String {
      try #require(throws: ElbowError.self) { try store.query(name, values) }.description
    }
    #expect(try message("confusin", [:]).contains("did you mean 'confusion'"))
    #expect(try message("confusion", [:]).contains("needs run="))
    #expect(try message("confusion", ["rn": "1"]).contains("has no parameter 'rn'"))
    #expect(try message("hardest", ["limit": "many"]).contains("must be integer"))
  }

  @Test(arguments: [
    "DELETE FROM run", "DROP TABLE run", "INSERT INTO run_tag VALUES ('a', 'b', 'c')",
    "UPDATE run SET name = 'x'", "PRAGMA user_version = 3", "VACUUM", "BEGIN",
    "SELECT 1; DELETE FROM run", "WITH x AS (SELECT 1) DELETE FROM run", "",
    "ATTACH 'other.db' AS other", "EXPLAIN", "/* a */ DELETE FROM run", "-- a\nDELETE FROM run",
    "/* a */ VACUUM INTO 'copy.db'", "CREATE TEMP TABLE t (x)",
  ])
  func nothingAUserTypesCanWrite(sql: String) throws {
    let database = TemporaryDatabase()
    _ = try store(database)
    let reader = try RunStore(database.path, for: .read)
    let before = try reader.readOnly("SELECT count(*), max(name) FROM run").rows
    #expect(throws: ElbowError.self) { try reader.readOnly(sql) }
    #expect(try reader.readOnly("SELECT count(*), max(name) FROM run").rows == before)
    #expect(!FileManager.default.fileExists(atPath: "copy.db"))
    #expect(!FileManager.default.fileExists(atPath: "other.db"))
  }

  @Test func readingStatementsRun() throws {
    let database = TemporaryDatabase()
    let store = try store(database)
    #expect(try store.readOnly("-- a comment\nSELECT 1 AS one;").columns == ["one"])
    #expect(try store.readOnly("VALUES (1), (2)").rows.count == 2)
    #expect(
      try store.readOnly("SELECT x'00ff', NULL, 'é'").rows
        == [[.blob([0, 255]), .null, .text("é")]])
  }
}
