import Basics
import Foundation
import GRDB
import Migrations
import Queries
import Records
import RunStore
import TestSupport
import Testing

/// Totals, and the tables that know runs by number.
@Suite struct TotalsTests {
  /// Runs whose totals are not the sums over their predictions.
  private static let wrong = """
    SELECT run_id FROM run_total
    WHERE (n, n_correct, nfe, gradients, attack_nfe, attack_gradients) <> (
        SELECT count(*), coalesce(sum(correct), 0), coalesce(sum(prediction.nfe), 0),
          coalesce(sum(prediction.gradients), 0), coalesce(sum(prediction.attack_nfe), 0),
          coalesce(sum(prediction.attack_gradients), 0)
        FROM prediction WHERE run = number)
      OR abs(seconds - (SELECT coalesce(sum(prediction.seconds), 0.0) FROM prediction
        WHERE run = number)) > 1e-9
      OR abs(attack_seconds - (SELECT coalesce(sum(prediction.attack_seconds), 0.0) FROM prediction
        WHERE run = number)) > 1e-9
    """

  private func expectRight(_ store: RunStore) throws {
    #expect(try store.readOnly(Self.wrong).rows.isEmpty)
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
  }

  private func attacked(_ position: Int) -> Prediction {
    var p = prediction(position, correct: position % 2 == 0)
    var outcome = AttackOutcome(cleanPredicted: 1)
    outcome.attempted = true
    outcome.image = [0.25, 0.5]
    (outcome.nfe, outcome.gradients, outcome.seconds) = (7 + position, 3, 0.125)
    p.attack = outcome
    return p
  }

  /// Through interruption, death, resumption, replay and what other programs write.
  @Test func totalsAreSums() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let attack = AttackConfiguration(name: "apgd-ce", norm: .l2, epsilon: 0.5)
    let live = header(6, attack: attack)
    for (start, positions) in [(RunEvent.started(live), [0, 3]), (.resumed(live), [1, 2])] {
      let writer = RunWriter(store)
      try writer.receive(start)
      for position in positions { try writer.receive(.predicted(attacked(position))) }
      try writer.receive(
        .ended(RunEnding(status: .interrupted, wallSeconds: 1, cpuSeconds: 1, peakMemory: 1)))
      try expectRight(store)
    }
    // A process that died in the middle.
    try RunWriter(store).receive(.resumed(live))
    try database.execute("UPDATE session SET pid_started = '1'")
    _ = try RunStore(database.path, for: .read)
    let last = RunWriter(store)
    try last.receive(.resumed(live))
    for position in [4, 5] { try last.receive(.predicted(attacked(position))) }
    try last.receive(.ended(ending))
    try expectRight(store)
    var replayed = header(3, strategy: "uniform:2")
    replayed.replayOf = live.id
    try ReplayWriter(store).record(replayed, (0..<3).map { prediction($0) }, ending)
    try record(header(3, strategy: "uniform:1"), (0..<3).map { prediction($0) }, in: store)
    try expectRight(store)
    for change in [
      "UPDATE prediction SET correct = 1 - correct, nfe = nfe + 1, seconds = 2 WHERE position = 1",
      "UPDATE prediction SET attack_gradients = NULL, attack_seconds = 4 WHERE position = 2",
      "DELETE FROM prediction WHERE position = 1",
      """
      INSERT INTO prediction (run, position, predicted, correct, nfe, gradients, seconds)
      SELECT number, 1, 0, 1, 5, 6, 7.5 FROM run_total WHERE run_id = '\(live.id)'
      """,
      "DELETE FROM run WHERE id = '\(replayed.id)'; DELETE FROM run WHERE id = '\(live.id)'",
    ] {
      try database.execute(change)
      try expectRight(store)
    }
    #expect(throws: DatabaseError.self) {
      try database.execute("UPDATE prediction SET position = 9 WHERE position = 2")
    }
    for table in ["class_evidence", "loss_blob"] {
      let runs = try store.readOnly("SELECT count(DISTINCT run) FROM \(table)")
      #expect(runs.rows == [[.integer(1)]])
    }
  }

  /// An image is what it is made from and its pixels; known ones are not kept again.
  @Test func imagesAreKeptOnce() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let first = try record(header(3), (0..<3).map { prediction($0) }, in: store)
    var second = header(4)
    second.inputs[1].sha256 = SHA256.hexDigest(of: "attacked")
    second.inputs[2].label += 1
    second.inputs[3].split = "train"
    try record(second, (0..<4).map { prediction($0) }, in: store)
    #expect(try store.readOnly("SELECT count(*) FROM input").rows == [[.integer(6)]])
    for run in [first, second] {
      #expect(try store.recordedHeader(run.id).inputs == run.inputs)
      let hashes = try store.query("predictions", ["run": run.id], columns: ["sha256"]).rows
      #expect(hashes == run.inputs.map { [.text($0.sha256)] })
    }
    try expectRight(store)
  }

  /// A file of the schema before keeps every row; totals that were wrong are right.
  @Test func filesOfTextKeysAreMigrated() throws {
    let database = TemporaryDatabase()
    let before = Migrations.all.prefix { $0.name < "V0006" }
    _ = try RunStore(database.path, for: .write, schema: Schema(Array(before)))
    let hash = String(repeating: "a", count: 64)
    var sql = """
      INSERT INTO model VALUES ('\(hash)', 'm', 'F32', 7, '{}');
      INSERT INTO configuration VALUES ('\(hash)', '\(configurationJSON)', 'dc', '\(hash)', NULL, 'g', 'edm',
        'squared', 'sum', 1, 'shared', 0, 0, 1, 'full', NULL, NULL, NULL, NULL, NULL, NULL);
      """
    let ids = ["B", "A"].map { String(repeating: $0, count: 26) }
    for (r, id) in ids.enumerated() {
      sql += """
        INSERT INTO run (id, status, fingerprint, images, timesteps, seed, class_names, channels,
          height, width, records_losses, invocation, started_at)
        VALUES ('\(id)', 'finished', '\(hash)', 3, 1, 0, '["x", "y"]', 1, 1, 1, 1, '{}', '');
        INSERT INTO run_timestep VALUES ('\(id)', 0, 1, 1, 1);
        """
      for i in 0..<3 {
        let digest = SHA256.hexDigest(of: "\(i)")
        sql += """
          INSERT OR IGNORE INTO input VALUES (\(i + 1), 'd', '\(i)', \(i), 0, '\(digest)');
          INSERT INTO run_input VALUES ('\(id)', \(i), \(i + 1));
          INSERT INTO prediction (run_id, position, predicted, correct, nfe, gradients, seconds)
          VALUES ('\(id)', \(i), 0, \((i + r) % 2), 4, 1, 0.5);
          INSERT INTO class_elbo VALUES ('\(id)', \(i), 0, \(-i - 10 * r), 0);
          INSERT INTO class_elbo VALUES ('\(id)', \(i), 1, NULL, 2);
          INSERT INTO loss VALUES ('\(id)', \(i), x'0000803F0000004\(i)', NULL);
          """
      }
      sql += """
        INSERT INTO adversarial_image VALUES ('\(id)', \(r), x'0000803F',
          '\(SHA256.hexDigest(of: [Float(1)]))');
        """
    }
    try database.execute(sql)
    // The views of then, which have more columns now.
    var columns: [String: [String]] = [:]
    func rows(_ path: String) throws -> [[Row]] {
      let queue = try DatabaseQueue(patient: path)
      return try queue.read { db in
        try ["class_elbo", "loss", "predictions", "class_elbos"].map { view in
          let columns = try columns[view] ?? db.columns(in: view).map { "\"\($0.name)\"" }
          return try Row.fetchAll(
            db,
            sql: "SELECT \(columns.joined(separator: ", ")) FROM \(view) ORDER BY run_id, position")
        } + [
          try Row.fetchAll(
            db,
            sql: """
              SELECT id, n_done, n_correct, nfe_per_image, round(accuracy_low, 12),
                round(accuracy_high, 12)
              FROM runs ORDER BY id
              """)
        ]
      }
    }
    let old = try rows(database.path)
    let queue = try DatabaseQueue(patient: database.path)
    for view in ["class_elbo", "loss", "predictions", "class_elbos"] {
      columns[view] = try queue.read { db in
        try db.columns(in: view).map { "\"\($0.name)\"" }
      }
    }
    try queue.close()
    try database.execute("UPDATE run_total SET n_correct = 99")
    let store = try RunStore(database.path, for: .write)
    #expect(try rows(database.path) == old)
    #expect(old.map(\.count) == [12, 6, 6, 12, 2])
    for (r, id) in ids.enumerated() {
      #expect(try store.adversarialImage(run: id, position: r) == [1])
    }
    try expectRight(store)
    #expect(
      try store.readOnly("SELECT loss FROM losses WHERE run_id = '\(ids[0])' AND class = 0").rows
        == [[.real(1)], [.real(1)], [.real(1)]])
  }

  /// Lists of runs and Pareto fronts read totals, never images.
  @Test(arguments: ["runs", "pareto-front", "configurations", "trash"])
  func listsReadNoImages(name: String) throws {
    let query = try #require(Queries.named(name))
    let queue = try DatabaseQueue()
    try queue.write { db in
      for migration in Migrations.all { try db.execute(sql: migration.sql) }
      for view in Views.current.all { try db.execute(sql: view.sql) }
    }
    try queue.read { db in
      var values: [String: (any DatabaseValueConvertible)?] = [:]
      for parameter in query.parameters { values[parameter.name] = parameter.fallback }
      let plan = try Row.fetchAll(
        db, sql: "EXPLAIN QUERY PLAN \(query.sql)", arguments: StatementArguments(values)
      ).map { $0["detail"] as String }
      #expect(!plan.isEmpty)
      for step in plan {
        let words = step.split(separator: " ").map(String.init)
        for table in ["prediction", "run_input", "class_evidence", "loss_blob"] {
          #expect(!words.contains(table), "\(name): \(step)")
        }
      }
      let one = try Row.fetchAll(
        db,
        sql: """
          EXPLAIN QUERY PLAN SELECT * FROM (SELECT * FROM runs ORDER BY id DESC) WHERE id = 'x'
          """
      ).map { $0["detail"] as String }
      #expect(one.contains { $0.hasPrefix("SEARCH run USING PRIMARY KEY") }, "\(one)")
    }
  }

  /// Against every run held against every other.
  @Test func frontsAreUnbeaten() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<30 {
      let right = Int.random(in: 0...4, using: &random)
      let nfe = Int.random(in: 1...6, using: &random)
      try ReplayWriter(store).record(
        header(4),
        (0..<4).map {
          var p = prediction($0, correct: $0 < right)
          p.nfe = nfe
          return p
        }, ending)
    }
    let runs = try store.readOnly("SELECT id, accuracy, nfe_per_image FROM runs").rows.map {
      ($0[0], $0[1].double, $0[2].double)
    }
    let unbeaten = runs.filter { run in
      !runs.contains { $0.1 >= run.1 && $0.2 <= run.2 && ($0.1 > run.1 || $0.2 < run.2) }
    }
    let front = try store.query("pareto-front", ["dataset": "pets"]).rows.map { $0[0] }
    #expect(Set(front) == Set(unbeaten.map(\.0)))
  }

  /// Answers of runs as texts, which the trade-off pairs where two have the same images in one order.
  @Test func answersStandInTheOrderOfTheImages() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    func run(_ right: [Int], of n: Int = 11, at order: [Int]? = nil) throws -> String {
      let positions = order ?? Array(0..<n)
      let predictions = positions.map { prediction($0, correct: right.contains($0)) }
      return try record(header(n), predictions, in: store).id
    }
    // The order in which images were done is not theirs.
    let first = try run([0, 1, 10], at: Array((0..<11).reversed()))
    let ids = [first, try run([10]), try run([1], of: 2)]
    let table = try store.query(.answers(of: ids))
    #expect(table.columns == ["run_id", "inputs", "correct"])
    #expect(table.rows.map { $0[0] } == ids.map { .text($0) })
    #expect(
      table.rows.map { $0[2] } == [.text("11000000001"), .text("00000000001"), .text("01")])
    let images = (1...11).map(String.init).joined(separator: ",")
    #expect(table.rows.map { $0[1] } == [.text(images), .text(images), .text("1,2")])
    // Which images others have answered, the texts do not tell.
    let partial = try run([0], of: 3, at: [0, 2])
    #expect(try store.query(.answers(of: [partial])).rows.isEmpty)
  }

  /// Of images that an attack of the budget was tried on; larger budgets do not count.
  @Test func robustPairsAreOfWorstCases() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    func attack(_ strategy: String, _ name: String, _ epsilon: Double, _ right: [Int], of n: Int)
      throws
    {
      let attack = AttackConfiguration(name: name, norm: .l2, epsilon: epsilon)
      try record(
        header(n, strategy: strategy, attack: attack),
        (0..<n).map { prediction($0, correct: right.contains($0)) }, in: store)
    }
    try attack("full", "apgd-ce", 0.5, [0, 1, 2, 3], of: 5)
    try attack("full", "pgd-ce", 0.5, [0, 1], of: 4)
    try attack("uniform:1", "apgd-ce", 0.5, [1, 2], of: 5)
    try attack("uniform:1", "apgd-ce", 1, [0, 1, 2, 3, 4], of: 5)
    let clean = try ["full", "uniform:1"].map {
      try record(header(5, strategy: $0), (0..<5).map { prediction($0) }, in: store).id
    }
    let pair = ["a": clean[0], "b": clean[1], "norm": "l2"]
    #expect(
      try store.query("paired-robust", pair.merging(["epsilon": "0.5"]) { a, _ in a }).rows
        == [[5, 1, 1, 1, 2].map { .integer($0) }])
    #expect(
      try store.query("paired-robust", pair.merging(["epsilon": "1"]) { a, _ in a }).rows[0][0]
        == .integer(0))
    // The same of many pairs at once; those that share no image are left out.
    let all = [(clean[0], clean[1]), (clean[1], clean[0]), (clean[0], clean[0])]
    let half = try store.query(.pairedRobust(all, .init(norm: "l2", epsilon: 0.5)))
    #expect(half.rows.count == 3)
    #expect(Array(half.rows[0].dropFirst(2)) == [5, 1, 1, 1, 2].map { Cell.integer($0) })
    #expect(try store.query(.pairedRobust(all, .init(norm: "l2", epsilon: 1))).rows.count == 0)
  }
}

extension Cell {
  fileprivate var double: Double { if case .real(let value) = self { value } else { .nan } }
}
