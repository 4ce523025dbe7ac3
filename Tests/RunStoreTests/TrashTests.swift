import Basics
import Foundation
import GRDB
import Queries
import Records
import RunStore
import TestSupport
import Testing

@Suite struct TrashTests {
  /// A run of 20 images whose losses and images take some room.
  private func heavy(_ seed: UInt64, in store: RunStore) throws -> RunHeader {
    var attack = AttackConfiguration(name: "apgd-ce", norm: .linf, epsilon: 0.1)
    attack.steps = Int(seed)
    var run = header(20, strategy: "uniform:\(seed)", attack: attack)
    run.seed = seed
    run.inputs = run.inputs.map { input in
      var input = input
      input.index += Int(seed) * 1000
      return input
    }
    return try record(
      run,
      (0..<20).map { position in
        var p = prediction(position)
        p.losses = .dense([Float](repeating: Float(position), count: 4000))
        p.attack = AttackOutcome(cleanPredicted: 1)
        p.attack?.attempted = true
        p.attack?.image = [Float](repeating: 0.5, count: 2000)
        return p
      }, in: store)
  }

  /// Answers of every query without parameters, and every view; what tells of the trash aside.
  private func everything(_ store: RunStore) throws -> [[[Cell]]] {
    let aside = ["trash", "health"]
    let queries = Queries.all.filter { query in
      query.parameters.allSatisfy { $0.fallback != nil } && !aside.contains(query.name)
    }
    let views = ["runs", "predictions", "class_elbos", "robustness", "losses", "metrics"]
    return try queries.map { try store.query($0.name).rows }
      + views.map { try store.readOnly("SELECT * FROM \($0) ORDER BY 1, 2, 3, 4, 5").rows }
  }

  @Test func trashedRunsAreNowhere() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    _ = try heavy(1, in: store)
    let without = try everything(store)
    let run = try heavy(2, in: store)
    do {
      var writer = MetricWriter(store, run: run.id)
      try writer.log(["x": 1])
    }
    let with = try everything(store)
    #expect(zip(with, without).count { $0 != $1 } > 8)
    #expect(try store.trash([run.id]) == [run.id])
    #expect(try everything(store) == without)
    #expect(try store.query("trash").rows.map { $0[0] } == [.text(run.id)])
    #expect(try store.query("trash", where: RowFilter("last(x) = 1 AND seed = 2")).rows.count == 1)
    #expect(throws: ElbowError.self) { try store.runID(run.id) }
    #expect(try store.runID(run.id, trashed: true) == run.id)
    var writer = MetricWriter(store, run: run.id)
    try writer.log(["x": 2])
    #expect(throws: ElbowError.self) { try writer.flush() }
    var next = header(1)
    next.inputsRun = run.id
    #expect(throws: ElbowError.self) { try RunWriter(store).receive(.started(next)) }
    #expect(throws: ElbowError.self) { try RunWriter(store).receive(.resumed(run)) }
    #expect(try store.restore([run.id]) == [run.id])
    #expect(try everything(store) == with)
  }

  @Test func dependantsAreNamedOrTakenAlong() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let source = try record(header(1), [prediction(0)], in: store)
    var (images, losses) = (header(1), header(1))
    images.inputsRun = source.id
    try record(images, [prediction(0)], in: store)
    losses.replayOf = images.id
    try record(losses, [prediction(0)], in: store)
    let error = try #require(throws: ElbowError.self) { try store.trash([source.id]) }
    #expect(
      error.description.contains(images.id) && error.description.contains("`with-dependants`"))
    #expect(try store.query("runs").rows.count == 3)
    #expect(try store.trash([source.id], withDependants: true, dryRun: true).count == 3)
    #expect(try store.query("runs").rows.count == 3)
    // All of them named is as well.
    #expect(try store.trash([losses.id, images.id]).count == 2)
    #expect(try store.trash([source.id]) == [source.id])
    // What a run was made from comes back with it.
    #expect(Set(try store.restore([losses.id])) == [source.id, images.id, losses.id])
    #expect(
      Set(try store.trash([source.id], withDependants: true)) == [source.id, images.id, losses.id])
    #expect(try store.restore([source.id]) == [source.id])
  }

  @Test func runningRunsStay() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let running = header(1)
    let writer = RunWriter(store)
    try writer.receive(.started(running))
    let error = try #require(throws: ElbowError.self) { try store.trash([running.id]) }
    #expect(error.description.contains("is running"))
    try writer.receive(.predicted(prediction(0)))
    try writer.receive(.ended(ending))
    #expect(try store.trash([running.id]) == [running.id])
  }

  /// A dry run tells what is deleted, and changes nothing; the file shrinks by as much.
  @Test func collectingFreesWhatItSays() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let kept = try heavy(1, in: store)
    let before = try everything(store)
    let runs = try (2...4).map { try heavy(UInt64($0), in: store) }
    #expect(try store.collect(dryRun: true).parts.allSatisfy { $0.rows == 0 })
    _ = try store.trash(runs.map(\.id))
    let plan = try store.collect(dryRun: true)
    let rows = Dictionary(uniqueKeysWithValues: plan.parts.map { ($0.what, $0.rows) })
    #expect(rows["losses"] == 60 && rows["adversarial images"] == 60 && rows["runs"] == 3)
    #expect(rows["configurations"] == 3 && rows["images"] == 60 && rows["models"] == 0)
    #expect(plan.sizeAfter == nil)
    #expect(try store.query("trash").rows.count == 3)
    // 60·(16 KB + 8 KB) of blobs at the least.
    #expect(plan.bytes > 60 * 24_000)
    let done = try store.collect(dryRun: false)
    #expect(done.parts.map(\.rows) == plan.parts.map(\.rows))
    #expect(done.parts.map(\.bytes) == plan.parts.map(\.bytes))
    let after = try #require(done.sizeAfter)
    let shrunk = done.sizeBefore - after
    // Within a tenth: pages that were not quite empty are packed as well.
    #expect(shrunk >= plan.bytes - 8192 && Double(shrunk) < 1.1 * Double(plan.bytes))
    let size = try FileManager.default.attributesOfItem(atPath: database.path)[.size] as? Int
    #expect(size == after)
    #expect(try everything(store) == before)
    #expect(try store.query("trash").rows.isEmpty)
    #expect(try store.runID(kept.id) == kept.id)
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
  }

  @Test func labelsChange() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let runs = try (0..<3).map { _ in try record(header(1), [prediction(0)], in: store).id }
    try store.tag([runs[0], runs[1]], set: ["stage": "late", "x": "it's"], removing: ["none"])
    try store.tag([runs[1]], removing: ["x"])
    let tags = try store.readOnly("SELECT key || '=' || value FROM run_tag ORDER BY run_id, key")
    #expect(
      tags.rows.map { $0[0] }
        == ["stage=late", "x=it's", "stage=late", "stage=final"].map { .text($0) })
    try store.group([runs[0], runs[2]], "g")
    try store.group([runs[2]], nil)
    let groups = try store.readOnly("SELECT \"group\" FROM runs ORDER BY id").rows.map { $0[0] }
    #expect(groups == [.text("g"), .null, .null])
    try store.note(runs[0]) { old in
      #expect(old == nil)
      return "one"
    }
    #expect(try store.note(runs[0]) { ($0 ?? "") + "\ntwo" } == "one\ntwo")
    #expect(try store.note(runs[0]) { _ in "" } == nil)
    #expect(try store.readOnly("SELECT note FROM runs WHERE id = '\(runs[0])'").rows == [[.null]])
  }
}
