import Basics
import Records
import RunStore
import TestSupport
import Testing

@Suite struct NamesTests {
  /// Three runs, oldest first: `first`, `twin`, `twin`, the last two in group `pair`.
  private static func store(
    _ path: String
  ) throws -> (store: RunStore, ids: [String]) {
    let store = try RunStore(path, for: .write)
    let ids = try [("first", nil), ("twin", "pair"), ("twin", "pair")].map { name, group in
      var run = header(1)
      (run.labels.name, run.labels.group) = (name, group)
      return try record(run, [prediction(0)], in: store).id
    }
    return (store, ids)
  }

  @Test func idsTimesAndNamesNameOneRun() throws {
    let database = TemporaryDatabase()
    let (store, ids) = try Self.store(database.path)
    #expect(try store.runID(ids[0]) == ids[0] && store.runID(ids[2].lowercased()) == ids[2])
    #expect(try store.runID("@last") == ids[2] && store.runID("@LAST~2") == ids[0])
    #expect(try store.runID("first") == ids[0])
    func code(_ name: String) -> ElbowError.Code? {
      #expect(throws: ElbowError.self) { try store.runID(name) }?.code
    }
    #expect(code("twin") == .ambiguous && code("pair") == .ambiguous)
    #expect(code("@last~3") == .unknownName && code("@lasts") == .unknownName)
    #expect(code("") == .unknownName && code("fist") == .unknownName)
    let error = #expect(throws: ElbowError.self) { try store.runID("frist") }
    #expect(error?.message.contains("did you mean 'first'") == true)
    let group = #expect(throws: ElbowError.self) { try store.runID("pair") }
    #expect(group?.message.contains("is a group of 2") == true)
    #expect(group?.message.contains(ids[2]) == true)
    let past = #expect(throws: ElbowError.self) { try store.runID("@last~3") }
    #expect(past?.message.contains("has 3 runs") == true)
  }

  @Test func groupsStandForTheirRuns() throws {
    let database = TemporaryDatabase()
    let (store, ids) = try Self.store(database.path)
    #expect(try store.runIDs(["pair"]) == Array(ids[1...]))
    #expect(try store.runIDs(["@last", "pair", "first"]) == [ids[2], ids[1], ids[0]])
    #expect(throws: ElbowError.self) { try store.runIDs(["pairs"]) }
    #expect(try store.runs(where: .ids([ids[1], ids[0]])) == [ids[1], ids[0]])
    #expect(try store.runs(where: .ids([])).isEmpty)
  }

  /// What is in the trash is named there, and only there.
  @Test func theTrashHasNamesOfItsOwn() throws {
    let database = TemporaryDatabase()
    let (store, ids) = try Self.store(database.path)
    _ = try store.trash([ids[2]])
    #expect(try store.runID("@last") == ids[1] && store.runID("twin") == ids[1])
    #expect(try store.runID("twin", trashed: true) == ids[2])
    let error = #expect(throws: ElbowError.self) { try store.runID(ids[2]) }
    #expect(error?.message.contains("in the trash") == true)
  }

  /// A metric whose last value is not a number is told from one that a run has not.
  @Test func notANumberIsNotMissing() throws {
    let database = TemporaryDatabase()
    let (store, ids) = try Self.store(database.path)
    var writer = MetricWriter(store, run: ids[0])
    try writer.log(["cross-entropy": .nan, "loss/train": 2])
    try writer.flush()
    let shown = try store.query(
      .runs, columns: ["metrics.cross-entropy", "last(loss/train)"], order: ["id"])
    #expect(shown.rows[0] == [.text("NaN"), .real(2)] && shown.rows[1] == [.null, .null])
    #expect(try store.runs(where: RowFilter("metrics.loss/train < 3")) == [ids[0]])
    #expect(try store.runs(where: RowFilter("metrics.cross-entropy IS NULL")).count == 3)
  }

  @Test(arguments: [
    ("accuracy > 80", "80% or 0.8"), ("metrics.cross-entropy < 1", "no metric 'cross-entropy'"),
    ("metrics.acuracy < 1", "did you mean 'accuracy'"),
    ("tags.my key = 'x'", "a name with spaces stands in quotes"),
  ])
  func conditionsThatMissTheirAimSayHow(text: String, hint: String) throws {
    let database = TemporaryDatabase()
    let (store, _) = try Self.store(database.path)
    let error = #expect(throws: ElbowError.self) { try store.runs(where: RowFilter(text)) }
    #expect(error?.message.contains(hint) == true, "\(String(describing: error))")
  }
}

extension RunStore {
  /// Ids of the runs that meet a condition, newest first.
  fileprivate func runs(where filter: RowFilter) throws -> [String] {
    try query(.runs, where: filter, columns: ["id"]).rows.map { row in
      if case .text(let id) = row[0] { id } else { "" }
    }
  }
}
