import Basics
import Foundation
import Records
import RunStore
import TestSupport
import Testing

@Suite struct ReplayTests {
  /// What was recorded comes back as it was told.
  @Test func headersAndPredictionsComeBack() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var other = prediction(1, correct: false)
    other.losses = .sparse([.init(draw: 1, timestep: 2, label: 0, value: 0.5)])
    other.movementMax = 0.25
    let attack = AttackConfiguration(name: "apgd-ce", norm: .l2, epsilon: 0.5)
    let written = try record(header(2, attack: attack), [prediction(0), other], in: store)
    let read = try store.recordedHeader(written.id)
    #expect(read.configuration == written.configuration)
    #expect(read.model == written.model && read.lmModel == nil)
    #expect(read.inputs == written.inputs && read.timesteps == written.timesteps)
    #expect((read.seed, read.attackSeed) == (5, 9))
    #expect(read.classNames == ["cat", "dog"] && read.imageShape == [1, 1, 2])
    #expect(read.attack?.epsilon == 0.5 && read.attack?.norm == .l2)
    #expect(read.replayOf == nil && read.recordsLosses)
    let predictions = try store.recordedPredictions(written.id)
    #expect(predictions.map(\.position) == [0, 1] && predictions.map(\.correct) == [true, false])
    #expect(predictions[0].nfe == 10 && predictions[0].gradients == 2)
    #expect(predictions[1].movementMax == 0.25)
    guard case .dense(let dense)? = predictions[0].losses,
      case .sparse(let sparse)? = predictions[1].losses
    else {
      Issue.record("losses come back in their form")
      return
    }
    #expect(dense == [1, 2, 3, .infinity])
    #expect(sparse == [.init(draw: 1, timestep: 2, label: 0, value: 0.5)])
  }

  /// A replay is told apart and has no seconds; what it differs in is counted.
  @Test func replaysAreMarked() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let live = try record(header(3), (0..<3).map { prediction($0) }, in: store)
    var replayed = header(3, strategy: "uniform:2")
    (replayed.replayOf, replayed.recordsLosses) = (live.id, false)
    var predictions = (0..<3).map { prediction($0) }
    predictions[1].predicted = 0
    for i in predictions.indices { (predictions[i].seconds, predictions[i].losses) = (0, nil) }
    try ReplayWriter(store).record(replayed, predictions, ending)
    let rows = try store.readOnly(
      "SELECT id, status, seconds_per_image, replay_of, nfe_per_image FROM runs ORDER BY id"
    ).rows
    #expect(
      rows == [
        [.text(live.id), .text("finished"), .real(0.5), .null, .real(10)],
        [.text(replayed.id), .text("finished"), .null, .text(live.id), .real(10)],
      ])
    let seconds = try store.readOnly(
      "SELECT count(*), count(seconds) FROM predictions WHERE run_id = '\(replayed.id)'")
    #expect(seconds.rows == [[.integer(3), .integer(0)]])
    let replays = try store.query("replays", ["run": live.id])
    #expect(replays.rows.count == 1)
    #expect(replays.rows[0].last == .integer(1) && replays.columns.last == "n_differ")
    let front = try store.query("pareto-front", ["dataset": "pets"])
    #expect(front.columns.last == "replay_of")
  }

  /// Whole or not at all: a prediction that the schema refuses takes its run with it.
  @Test func replaysAreRecordedWhole() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let writer = ReplayWriter(store)
    #expect(throws: ElbowError.self) {
      try writer.record(header(2), [prediction(0), prediction(7)], ending)
    }
    for table in ["run", "run_input", "prediction", "session", "run_timestep", "class_elbo"] {
      #expect(try store.readOnly("SELECT count(*) FROM \(table)").rows == [[.integer(0)]])
    }
  }
}
