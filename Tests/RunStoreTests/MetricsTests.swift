import Basics
import Foundation
import GRDB
import Migrations
import Records
import RunStore
import TestSupport
import Testing

@Suite struct MetricsTests {
  private func external(_ store: RunStore, _ name: String = "theirs") throws -> String {
    var run = ExternalRun(id: ULID.make())
    run.name = name
    run.tags = ["a": "b"]
    try store.beginExternal(run)
    return run.id
  }

  /// Steps repeated, out of order, without numbers: against a dictionary filled in the same order.
  @Test func seriesAreReadByStep() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try external(store)
    var random = SystemRandomNumberGenerator()
    var expected: [Int: Double] = [:]
    var arrivals: [Double] = []
    do {
      var writer = MetricWriter(store, run: run)
      for i in 0..<400 {
        let step = Int.random(in: 0..<60, using: &random)
        var value = Double.random(in: -1...1, using: &random)
        if i % 7 == 0 { value = .nan }
        expected[step] = value
        if step == 30 { arrivals.append(value) }
        try writer.log(["loss": value, "other": 1], step: step)
      }
      // No flush: letting the writer go is one.
    }
    let read = try store.readOnly(
      "SELECT step, value FROM metrics WHERE name = 'loss' ORDER BY step"
    ).rows
    let steps = expected.keys.sorted()
    #expect(
      read
        == steps.map { step in
          let value = expected[step] ?? 0
          return [.integer(Int64(step)), value.isNaN ? .null : .real(value)]
        })
    // What does not count is kept, in order of arrival.
    let all = try store.query(
      "metric-points", ["run": run, "names": #"["loss"]"#, "repeated": "1"])
    #expect(all.rows.count == 400)
    let of30 = all.rows.filter { $0[1] == .integer(30) }
    #expect(of30.map { $0[2] } == arrivals.map { $0.isNaN ? .null : .real($0) })
    #expect(
      of30.map { $0[4] } == arrivals.indices.map { .integer($0 == arrivals.count - 1 ? 1 : 0) })

    let finite = steps.compactMap { expected[$0] }.filter { !$0.isNaN }
    let series = try store.query("metric-series", ["run": run])
    let row = try #require(series.rows.first)
    #expect(
      row[0...4] == [
        .text("loss"), .integer(Int64(steps.count)), .integer(Int64(400 - steps.count)),
        .integer(Int64(steps[0])), .integer(Int64(steps[steps.count - 1])),
      ])
    let last = expected[steps[steps.count - 1]] ?? 0
    #expect(row[5] == (last.isNaN ? .null : .real(last)))
    #expect(row[6...7] == [.real(finite.min() ?? 0), .real(finite.max() ?? 0)])
    guard case .real(let mean) = row[8] else {
      Issue.record("the mean is a number")
      return
    }
    let reference = finite.reduce(0, +) / Double(finite.count)
    #expect(abs(mean - reference) < 1e-12)
    // Conditions see the same.
    for (text, holds) in [
      ("min(loss) < \(reference)", true), ("max(loss) <= \(finite.max() ?? 0)", true),
      ("MEAN(loss) > \(reference + 0.01)", false), ("metrics.other = 1 AND last(other) = 1", true),
      ("last(loss) IS NULL", last.isNaN), ("name = 'theirs' AND min(other) > 1", false),
    ] {
      let found = try store.query("runs", where: RowFilter(text)).rows.count
      #expect(found == (holds ? 1 : 0), "\(text)")
    }
  }

  @Test func infinitiesAreKept() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try external(store)
    var writer = MetricWriter(store, run: run)
    for (step, value) in [1, Double.infinity, -Double.infinity, 2].enumerated() {
      try writer.log(["x": value], step: step)
    }
    try writer.flush()
    let row = try store.query("metric-series", ["run": run]).rows[0]
    #expect(row[5...7] == [.real(2), .real(-.infinity), .real(.infinity)])
    #expect(try store.query("runs", where: RowFilter("max(x) > 1e300")).rows.count == 1)
  }

  /// Without a step a point belongs to the step after the run's greatest.
  @Test func stepsCountOn() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try external(store)
    var writer = MetricWriter(store, run: run)
    try writer.log(["a": 1])
    try writer.log(["a": 2, "b": 2])
    try writer.flush()
    try writer.log(["b": 3])
    try writer.log(["a": 4], step: 9)
    try writer.log(["b": 5], step: 2)
    try writer.log(["b": 6])
    try writer.flush()
    let points = try store.readOnly("SELECT name || step FROM metrics ORDER BY name, step").rows
    #expect(points.map { $0[0] } == ["a0", "a1", "a9", "b1", "b2", "b10"].map { .text($0) })
  }

  /// A mistake is refused at once, and takes none of the others along.
  @Test func mistakesLogNothing() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try external(store)
    for (name, step) in [("", 1), ("a b", 1), ("a=b", 1), ("last(x)", 1), ("a", -1), ("a", .max)] {
      var writer = MetricWriter(store, run: run)
      try writer.log(["fine": 1], step: 0)
      #expect(throws: ElbowError.self) { try writer.log([name: 1], step: step) }
      try writer.flush()
    }
    #expect(
      try store.readOnly("SELECT name, points FROM metric_series").rows == [
        [.text("fine"), .integer(6)]
      ])
    var nobody = MetricWriter(store, run: String(repeating: "0", count: 26))
    try nobody.log(["a": 1])
    #expect(throws: ElbowError.self) { try nobody.flush() }
  }

  @Test func manyGroupsOfPoints() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try external(store)
    var writer = MetricWriter(store, run: run)
    for step in 0..<(2 * MetricWriter.largestGroup + 3) { try writer.log(["x": Double(step)]) }
    try writer.flush()
    let count = Int64(2 * MetricWriter.largestGroup + 3)
    #expect(
      try store.readOnly("SELECT count(*), max(value), points FROM metrics, metric_series").rows
        == [[.integer(count), .real(Double(count - 1)), .integer(count)]])
  }

  @Test(arguments: [
    ("last(los) < 1", "did you mean 'loss'"), ("metrics.los < 1", "did you mean 'loss'"),
    ("loss > 'x' AND lossy > 1", "no column 'lossy'"),
    ("val > 1", "the metric's last value is 'metrics.val'"),
    ("last(loss < 1", "expected ')'"), ("last() < 1", "needs the name of a metric"),
    ("median(loss) < 1", "no column 'median'"), ("tags.a = 'b' AND min(x)", "no metric 'x'"),
  ])
  func unknownMetricsAreNamed(text: String, message: String) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try external(store)
    do {
      var writer = MetricWriter(store, run: run)
      try writer.log(["loss": 1, "val": 2])
    }
    let error = try #require(throws: ElbowError.self) {
      try store.query("runs", where: RowFilter(text))
    }
    #expect(
      [.unknownName, .malformed].contains(error.code) && error.description.contains(message),
      "\(error)")
  }

  @Test func externalRunsBeginAndEnd() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try external(store)
    try record(header(1), [prediction(0)], in: store)
    let shown = "SELECT status, images, n_done, accuracy, fingerprint FROM runs WHERE id = '\(run)'"
    let running: [Cell] = [.text("running"), .null, .integer(0), .null, .null]
    #expect(try store.readOnly(shown).rows == [running])
    // No process belongs to it, so that none has died.
    #expect(try RunStore(database.path, for: .read).readOnly(shown).rows == [running])
    try store.endExternal(run, .failed, error: "it broke")
    #expect(try store.readOnly(shown).rows[0][0] == .text("failed"))
    #expect(throws: ElbowError.self) { try store.endExternal(run, .finished, error: nil) }
    let own = try #require(
      try store.readOnly("SELECT id FROM runs WHERE images = 1").rows[0][0].text)
    #expect(throws: ElbowError.self) { try store.endExternal(own, .finished, error: nil) }
    #expect(throws: ElbowError.self) { try store.recordedRun(run) }
    #expect(throws: ElbowError.self) { try store.recordedHeader(run) }
    for query in ["runs", "pareto", "pareto-front", "robustness", "configurations", "hardest"] {
      _ = try store.query(query)
    }
    #expect(try store.query("pareto").rows.count == 1)
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
  }

  /// Runs, their rows and the metrics of trainings go through the migration as they were.
  @Test func olderFilesKeepWhatTheyHold() throws {
    let old = TemporaryDatabase()
    let before = Schema(Array(Migrations.all.prefix { $0.name < "V0005" }))
    _ = try RunStore(old.path, for: .write, schema: before)
    let hash = String(repeating: "a", count: 64)
    try old.execute(
      """
      INSERT INTO model VALUES ('\(hash)', 'm', 'F32', 7, '{}');
      INSERT INTO configuration VALUES ('\(hash)', '\(configurationJSON)', 'dc', '\(hash)', NULL, 'g', 'edm',
        'squared', 'sum', 1, 'shared', 0, 0, 1, 'full', NULL, NULL, NULL, NULL, NULL, NULL);
      INSERT INTO run (id, name, status, fingerprint, images, timesteps, seed, class_names, channels,
        height, width, records_losses, invocation, started_at)
      VALUES ('01AAAAAAAAAAAAAAAAAAAAAAAA', 'n', 'finished', '\(hash)', 1, 1, 3, '[]', 1, 1, 1, 0,
        '{}', 't');
      INSERT INTO run_tag VALUES ('01AAAAAAAAAAAAAAAAAAAAAAAA', 'k', 'v');
      INSERT INTO input VALUES (1, 'd', 'test', 0, 0, '\(hash)');
      INSERT INTO run_input VALUES ('01AAAAAAAAAAAAAAAAAAAAAAAA', 0, 1);
      INSERT INTO prediction (run_id, position, predicted, correct, nfe, gradients, seconds)
      VALUES ('01AAAAAAAAAAAAAAAAAAAAAAAA', 0, 1, 1, 5, 0, 0.5);
      INSERT INTO training (id, kind, status, recipe, dataset, dataset_sha256, steps, model_path,
        started_at)
      VALUES ('\(hash.prefix(26))', 'diffusion', 'finished', '{}', 'd', '\(hash)', 9, 'm', 't');
      INSERT INTO training_metric VALUES ('\(hash.prefix(26))', 'loss', 4, 0.5),
        ('\(hash.prefix(26))', 'loss', 2, 0.75), ('\(hash.prefix(26))', 'rate', 2, 1);
      """)
    let looks = [
      "SELECT id, name, status, images, seed, accuracy, nfe_per_image FROM runs",
      "SELECT run_id, image_index, label, predicted, correct, nfe, gradients, seconds, position, "
        + "dataset, split, sha256 FROM predictions",
      "SELECT * FROM run_tag",
      "SELECT run_id, n, n_correct, nfe, gradients, seconds, attack_nfe, attack_gradients, "
        + "attack_seconds FROM run_total",
      "SELECT * FROM training_metric ORDER BY name, step",
      "SELECT id, steps_done, loss, validation_loss FROM trainings",
    ]
    let plain = try DatabaseQueue(patient: old.path)
    let was = try looks.map { sql in try plain.read { try Row.fetchAll($0, sql: sql) } }
    try plain.close()
    let store = try RunStore(old.path, for: .write)
    let after = try DatabaseQueue(patient: old.path)
    let now = try looks.map { sql in try after.read { try Row.fetchAll($0, sql: sql) } }
    #expect(was == now)
    #expect(was.allSatisfy { !$0.isEmpty })
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
    // A new run still gets its totals.
    try record(header(1), [prediction(0)], in: store)
    #expect(
      try store.readOnly("SELECT count(*) FROM run_total WHERE n = 1").rows == [[.integer(2)]])
  }
}

extension Cell {
  fileprivate var text: String? { if case .text(let value) = self { value } else { nil } }
}
