import Basics
import Foundation
import GRDB
import Migrations
import Queries
import Records
import RunStore
import TestSupport
import Testing

@Suite struct RecordingTests {
  /// The first columns of `runs`, which scripts rely on.
  static let keys = [
    "id", "name", "status", "group", "classifier", "model", "model_sha256", "fingerprint",
    "dataset", "split", "images", "strategy", "timesteps", "grid", "weights", "noise", "loss",
    "reduction", "lm", "eta", "attack", "norm", "epsilon", "accuracy", "accuracy_low",
    "accuracy_high", "n_correct", "nfe_per_image", "gradients_per_image", "seconds_per_image",
    "attack_gradients_per_image", "attack_seconds_per_image", "seed", "started_at", "finished_at",
    "git_commit",
  ]

  @Test func runsAreListedWithTheirFigures() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let header = try record(
      header(), [prediction(2), prediction(0, correct: false), prediction(1)], in: store)
    let runs = try store.query("runs")
    #expect(Array(runs.columns.prefix(Self.keys.count)) == Self.keys)
    func cell(_ column: String) throws -> Cell {
      runs.rows[0][try #require(runs.columns.firstIndex(of: column))]
    }
    #expect(try cell("id") == .text(header.id))
    #expect(try cell("status") == .text("finished"))
    #expect(try cell("n_correct") == .integer(2))
    #expect(try cell("accuracy") == .real(2.0 / 3))
    #expect(try cell("nfe_per_image") == .real(10))
    #expect(try cell("attack") == .null)
    #expect(try cell("attack_gradients_per_image") == .null)
    #expect(try cell("seed") == .integer(5))
    #expect(try cell("fingerprint") == .text(configuration().fingerprint()))
    guard case .text(let time) = try cell("started_at") else {
      Issue.record("started_at is a text")
      return
    }
    #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
  }

  /// Against the closed form, computed here with the library's square root.
  @Test(arguments: [(0, 5), (5, 5), (1, 1), (85, 100), (1, 400)])
  func wilsonBoundsInSQL(successes: Int, n: Int) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try record(header(n), (0..<n).map { prediction($0, correct: $0 < successes) }, in: store)
    let row = try store.readOnly("SELECT accuracy_low, accuracy_high FROM runs").rows[0]
    let zz = 3.841_458_820_694_123_6
    let (count, p) = (Double(n), Double(successes) / Double(n))
    let reach = (zz * (p * (1 - p) / count + zz / (4 * count * count))).squareRoot()
    let scale = 1 + zz / count
    guard case .real(let low) = row[0], case .real(let high) = row[1] else {
      Issue.record("bounds are numbers")
      return
    }
    #expect(abs(low - max(0, (p + zz / (2 * count) - reach) / scale)) < 1e-12)
    #expect(abs(high - min(1, (p + zz / (2 * count) + reach) / scale)) < 1e-12)
  }

  @Test func lossesComeBackAsRows() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var sparse = prediction(1)
    sparse.losses = .sparse([
      .init(draw: 1, timestep: 2, label: 0, value: 0.5),
      .init(draw: 0, timestep: 1, label: 1, value: 1e-30),
    ])
    let header = try record(header(2), [prediction(0), sparse], in: store)
    let rows = try store.readOnly(
      "SELECT image_index, draw, timestep, class, loss FROM losses ORDER BY position"
    ).rows
    // Dense losses stand at the timesteps that have a strategy weight: 0 and 2.
    #expect(
      rows.prefix(4) == [
        [.integer(10), .integer(0), .integer(0), .integer(0), .real(1)],
        [.integer(10), .integer(0), .integer(0), .integer(1), .real(2)],
        [.integer(10), .integer(0), .integer(2), .integer(0), .real(3)],
        [.integer(10), .integer(0), .integer(2), .integer(1), .real(.infinity)],
      ])
    // In the order of draw, timestep and class, whichever they were asked in.
    #expect(rows[5] == [.integer(11), .integer(1), .integer(2), .integer(0), .real(0.5)])
    #expect(rows.count == 6)
    guard case .dense(let values) = try store.losses(run: header.id, position: 0) else {
      Issue.record("dense losses come back dense")
      return
    }
    #expect(values == [1, 2, 3, .infinity])
    #expect(throws: ElbowError.self) { try store.losses(run: header.id, position: 7) }
  }

  @Test func attacksAndTheirImages() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var hit = prediction(1, correct: false)
    hit.attack = AttackOutcome(cleanPredicted: 1)
    hit.attack?.attempted = true
    hit.attack?.image = [0.25, 0.75]
    hit.attack?.gradients = 40
    hit.attack?.zeroGradientShare = 0.5
    var missed = prediction(0, correct: false)
    missed.attack = AttackOutcome(cleanPredicted: 0)
    let attack = AttackConfiguration(name: "apgd-ce", norm: .linf, epsilon: 8.0 / 255)
    let header = try record(header(2, attack: attack), [hit, missed], in: store)
    let summary = try store.query("attack-summary", ["run": header.id])
    #expect(summary.rows[0][0...2] == [.integer(2), .integer(1), .integer(1)])
    #expect(try store.adversarialImage(run: header.id, position: 1) == [0.25, 0.75])
    #expect(throws: ElbowError.self) {
      try store.adversarialImage(run: header.id, position: 0)
    }
    let recorded = try store.recordedRun(header.id)
    #expect(recorded.adversarial == [1: SHA256.hexDigest(of: [Float(0.25), 0.75])])
    #expect(recorded.inputs == header.inputs)
    let robustness = try store.readOnly("SELECT n, n_robust, attacks FROM robustness").rows
    #expect(robustness == [[.integer(2), .integer(0), .integer(1)]])
  }

  /// An image is robust only where it stands every recorded attack of the threat model.
  @Test func robustnessIsTheWorstAttackImageByImage() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    for (name, right) in [("apgd-ce", [true, true, false]), ("apgd-dlr", [true, false, true])] {
      let attack = AttackConfiguration(name: name, norm: .linf, epsilon: 0.1)
      try record(
        header(3, attack: attack),
        right.enumerated().map { i, correct in
          var p = prediction(i, correct: correct)
          p.attack = AttackOutcome(cleanPredicted: i % 2)
          p.attack?.attempted = true
          return p
        }, in: store)
    }
    let row = try store.readOnly("SELECT n, n_robust, attacks, accuracy FROM robustness").rows
    #expect(row == [[.integer(3), .integer(1), .integer(2), .real(1.0 / 3)]])
  }

  /// What is acknowledged can be read by another connection.
  @Test func acknowledgedMeansCommitted() throws {
    let database = TemporaryDatabase()
    let path = database.path
    let store = try RunStore(path, for: .write)
    let header = header(20)
    let writer = RunWriter(store) { group in
      let count = try? RunStore(path, for: .read).readOnly(
        "SELECT count(*) FROM prediction WHERE position IN "
          + "(\(group.map { "\($0.position)" }.joined(separator: ",")))"
      ).rows[0][0]
      #expect(count == .integer(Int64(group.count)))
    }
    try writer.receive(.started(header))
    for i in 0..<20 { try writer.receive(.predicted(prediction(i))) }
    try writer.receive(.ended(ending))
    #expect(try store.readOnly("SELECT count(*) FROM predictions").rows == [[.integer(20)]])
  }

  /// A prediction that the schema refuses ends the run, and nothing before it is lost.
  @Test func failuresReachTheEvaluation() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let writer = RunWriter(store)
    try writer.receive(.started(header(2)))
    try writer.receive(.predicted(prediction(0)))
    Thread.sleep(forTimeInterval: 0.3)
    try writer.receive(.predicted(prediction(99)))
    #expect(throws: ElbowError.self) {
      for _ in 0..<100 {
        Thread.sleep(forTimeInterval: 0.02)
        try writer.receive(.predicted(prediction(1)))
      }
    }
    #expect(throws: ElbowError.self) { try writer.receive(.ended(ending)) }
    #expect(try store.readOnly("SELECT count(*) FROM prediction").rows == [[.integer(1)]])
  }
}

@Suite struct StatusTests {
  private func status(_ change: String) throws -> Cell {
    let database = TemporaryDatabase()
    let path = database.path
    do {
      let store = try RunStore(path, for: .write)
      let writer = RunWriter(store)
      try writer.receive(.started(header(1)))
      try database.execute(change)
      let status = try RunStore(path, for: .read).readOnly("SELECT status FROM runs").rows[0][0]
      try writer.receive(.ended(ending))
      return status
    }
  }

  @Test func livingProcessesRun() throws {
    #expect(try status("SELECT 1") == .text("running"))
  }

  @Test func deadProcessesHaveCrashed() throws {
    // The same pid, begun at another time: not this process.
    #expect(try status("UPDATE session SET pid_started = '1'") == .text("crashed"))
    #expect(try status("UPDATE session SET pid = 2000000000") == .text("crashed"))
  }

  /// On another boot only the heartbeat can tell.
  @Test func elsewhereTheHeartbeatTells() throws {
    let other = "UPDATE session SET boot_id = 'another', pid = 2000000000"
    #expect(try status(other) == .text("running"))
    let old = other + ", heartbeat_at = '2020-01-01T00:00:00.000Z'"
    #expect(try status(old) == .text("crashed"))
  }

  @Test func livingRunsCannotBeTakenOver() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let header = header(1)
    let writer = RunWriter(store)
    try writer.receive(.started(header))
    #expect(throws: ElbowError.self) { try RunWriter(store).receive(.resumed(header)) }
    try writer.receive(.ended(ending))
  }
}
