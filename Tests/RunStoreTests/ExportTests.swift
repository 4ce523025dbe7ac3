import Basics
import Foundation
import GRDB
import Records
import RunStore
import TestSupport
import Testing

@Suite struct StreamTests {
  /// Row by row or at once: the same rows.
  @Test(arguments: ["predictions", "class-elbos", "losses"])
  func rowsAreThoseOfTheQuery(name: String) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try record(header(3), (0..<3).map { prediction($0) }, in: store)
    try record(header(3), (0..<3).map { prediction($0) }, in: store)
    let whole = try store.query(name, ["run": run.id])
    var rows: [[Cell]] = []
    try store.stream(name, ["run": run.id]) { rows.append($0) }
    #expect(rows == whole.rows && !rows.isEmpty)
    #expect(rows.allSatisfy { $0[0] == .text(run.id) })
    #expect(try store.columns(ofQuery: name, ["run": run.id]) == whole.columns)
    #expect(try store.count(name, ["run": run.id]) == rows.count)
    var some: [[Cell]] = []
    try store.stream(name, ["run": run.id], columns: ["position"], limit: 2) { some.append($0) }
    #expect(
      some == whole.rows.prefix(2).map { [$0[whole.columns.firstIndex(of: "position") ?? 0]] })
  }

  /// Records that are cut short, or of which no timesteps are known, are errors and not rows.
  @Test(
    arguments: [
      "UPDATE loss_blob SET \"values\" = x'0000803F'", "DELETE FROM run_timestep",
      "UPDATE loss_blob SET places = x'00000000'",
    ])
  func damagedLossesAreErrors(damage: String) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try record(header(1), [prediction(0)], in: store)
    #expect(try store.query("losses", ["run": run.id]).rows.count == 4)
    try database.execute(damage)
    let error = #expect(throws: ElbowError.self) {
      try store.query("losses", ["run": run.id])
    }
    #expect(error?.description.contains("damaged") == true)
  }

  /// The reader's own error comes out as it is, at once.
  @Test func readersMayStop() throws {
    struct Enough: Error {}
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try record(header(3), (0..<3).map { prediction($0) }, in: store)
    var count = 0
    #expect(throws: Enough.self) {
      try store.stream("predictions", ["run": run.id]) { _ in
        count += 1
        throw Enough()
      }
    }
    #expect(count == 1)
    #expect(throws: ElbowError.self) {
      try store.stream("predictions", ["run": run.id], columns: ["nothing"]) { _ in }
    }
  }
}

@Suite struct PlotQueryTests {
  private func list(_ runs: [RunHeader]) -> String {
    JSONValue.array(runs.map { .string($0.id) }).canonical
  }

  private func attacked(
    _ store: RunStore, _ name: String, _ epsilon: Double, right: [Bool], clean: [Bool]
  ) throws -> RunHeader {
    let attack = AttackConfiguration(name: name, norm: .linf, epsilon: epsilon)
    let predictions = right.indices.map { i in
      var p = prediction(i, correct: right[i])
      var outcome = AttackOutcome(cleanPredicted: 1)
      outcome.attempted = clean[i]
      p.attack = outcome
      return p
    }
    return try record(header(right.count, attack: attack), predictions, in: store)
  }

  /// Four images, three of them right when clean; two attacks at 0.1 break different ones.
  @Test func accuracyByEpsilonIsTheWorstAttacks() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let clean = [true, true, true, false]
    let runs = [
      try attacked(store, "pgd-ce", 0.1, right: [true, false, true, false], clean: clean),
      try attacked(store, "apgd-ce", 0.1, right: [false, true, true, false], clean: clean),
      try attacked(store, "pgd-ce", 0.3, right: [false, false, true, false], clean: clean),
      try record(header(4), (0..<4).map { prediction($0) }, in: store),
    ]
    let points = try store.query("accuracy-by-epsilon", ["runs": list(runs)])
    let rows = points.rows.map { row in
      ["epsilon", "attacks", "n", "n_right"].map { column in
        row[points.columns.firstIndex(of: column) ?? 0]
      }
    }
    #expect(
      rows == [
        [.real(0), .integer(0), .integer(4), .integer(3)],
        [.real(0.1), .integer(2), .integer(4), .integer(1)],
        [.real(0.3), .integer(1), .integer(4), .integer(1)],
      ])
    let ids = points.columns.firstIndex(of: "run_ids") ?? 0
    let named = points.rows[0][ids]
    if case .text(let text) = named {
      #expect(Set(text.split(separator: ",").map(String.init)) == Set(runs.prefix(3).map(\.id)))
    } else {
      Issue.record("the point at 0 names its runs")
    }
    // Only the runs that are named count.
    let one = try store.query("accuracy-by-epsilon", ["runs": list([runs[0]])])
    #expect(one.rows.count == 2)
  }

  @Test func newestRunsAreMarked() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let first = try record(header(2), [prediction(0), prediction(1, correct: false)], in: store)
    // Ids of one millisecond are in random order.
    Thread.sleep(forTimeInterval: 0.002)
    let second = try record(header(2), (0..<2).map { prediction($0) }, in: store)
    let other = try record(
      header(2, strategy: "first:1"), (0..<2).map { prediction($0) }, in: store)
    let table = try store.query("accuracy-cost", ["runs": list([first, second, other])])
    let newest = table.columns.firstIndex(of: "newest") ?? 0
    let marks = Dictionary(
      uniqueKeysWithValues: table.rows.map { ($0[0], $0[newest]) })
    #expect(marks[.text(first.id)] == .integer(0))
    #expect(marks[.text(second.id)] == .integer(1) && marks[.text(other.id)] == .integer(1))
    #expect(table.rows[0][table.columns.firstIndex(of: "cost") ?? 0] == .real(10))
  }

  /// Two images of two classes at levels 0 and 2, strategy weight 3: −3·loss each.
  @Test func evidenceIsWeighedLosses() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    // [timestep][class]; the labels are 0 and 1.
    let losses: [[Float]] = [[1, 2, 4, 4], [3, 1, 2, 1.5]]
    let predictions = losses.enumerated().map { position, values in
      var p = prediction(position)
      p.evidence = (0..<2).map { ClassEvidence(label: $0, elbo: -Double($0), lastRound: 0) }
      p.losses = .dense(values)
      return p
    }
    let run = try record(header(2), predictions, in: store)
    let rows = try store.query("evidence", ["run": run.id])
    func row(_ values: [Double]) -> [Cell] { values.map { .real($0) } }
    #expect(rows.columns.suffix(4) == ["true_class", "best_other", "difference", "square"])
    // Level 0: true 1 and 1, other 2 and 3; level 2: true 4 and 1.5, other 4 and 2.
    #expect(
      rows.rows.map { Array($0.suffix(4)) } == [
        row([-3, -7.5, 4.5, 22.5]), row([-8.25, -9, 0.75, 1.125]),
      ])
    #expect(rows.rows.map { $0[0] } == [.integer(0), .integer(2)])
    let image = try store.query("evidence-image", ["run": run.id, "image": "11"])
    #expect(image.rows.map { $0[3] } == [.real(-9), .real(-3), .real(-6), .real(-4.5)])
    #expect(image.rows.allSatisfy { $0[4] == .integer(1) })
  }

  /// Seven steps as at most three points: blocks of three, their means, their last steps.
  @Test func longCurvesAreMeansOfBlocks() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let id = ULID.make()
    let writer = try TrainingWriter(
      store,
      TrainingHeader(
        id: id, kind: "diffusion", recipe: "{}", dataset: "pets",
        datasetSHA256: String(repeating: "a", count: 64), initialSHA256: nil, steps: 7,
        firstStep: 0, modelPath: "m", threads: 1, blas: "b", instructionSet: "i", arguments: []))
    try writer.log(
      (1...7).map { TrainingMetric(step: $0, name: "loss", value: Double($0)) }
        + [TrainingMetric(step: 7, name: "validation_loss", value: 0.5)])
    let list = JSONValue.array([.string(id)]).canonical
    let table = try store.query("training-curves", ["trainings": list, "points": "3"])
    #expect(
      table.rows.map { Array($0.dropFirst()) } == [
        [.text("loss"), .integer(3), .real(2), .integer(3)],
        [.text("loss"), .integer(6), .real(5), .integer(3)],
        [.text("loss"), .integer(7), .real(7), .integer(1)],
        [.text("validation_loss"), .integer(7), .real(0.5), .integer(1)],
      ])
  }
}
