import Basics
import Evaluation
import Experiments
import Records
import RunStore
import TestSupport
import Testing

@Suite struct ReplayTests {
  private static let strategies = [
    "full", "uniform:2", "random:3", "halving:4x2,1x3", "band:0.5:1.5", "racing:0.1", "sift:1,4",
  ]

  /// What a run said of every image and class, to the last bit, and what it cost.
  private func answers(_ run: String, _ store: RunStore) throws -> ResultTable {
    try store.readOnly(
      """
      SELECT position, predicted, correct, nfe, gradients, class, format('%!.17g', elbo), last_round
      FROM predictions JOIN class_elbo USING (run_id, position)
      WHERE run_id = '\(run)' ORDER BY position, class
      """)
  }

  /// Image by image, class by class and bit by bit the answers of a live run.
  @Test(arguments: ["dc", "rdc", "purify+dc"]) func replaysAnswerAsLiveRuns(classifier: String)
    throws
  {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let session = Session(threads: 2)
    let common = ["classifier": classifier, "seed": "4", "draws": "2"]
    let full = try run(small("3", common), in: session, store)
    let replay = try RecordedLosses(full, store)
      .replay(workers: session.workers) { _ in true }
    for strategy in Self.strategies {
      let configuration = try replay.configuration(strategy: strategy, weights: nil)
      let replayed = try ReplayWriter(store)
        .record(replay, configuration, labels: RunLabels(), in: session)
      let live = try run(
        small("3", common.merging(["strategy": strategy]) { $1 }), in: session, store)
      #expect(try answers(replayed, store) == answers(live, store), "\(strategy)")
      #expect(try answers(live, store).rows.count == 30)
      let headers = try [replayed, live].map(store.recordedHeader)
      #expect(headers[0].replayOf == full && headers[1].replayOf == nil)
      #expect(try headers[0].configuration.fingerprint() == headers[1].configuration.fingerprint())
    }
  }

  /// The losses of a live run, weighed as another program's are, give its ELBOs and answers.
  @Test(arguments: [
    ["draws": "2"], ["strategy": "uniform:2", "reduction": "mean", "logit-scale": "3"],
    ["prior": "0.3,0.2,0.1,0.1,0.05,0.05,0.05,0.05,0.05,0.05"],
  ])
  func lossesAreWeighedAsTheClassifierDoes(values: [String: String]) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let live = try run(small("4", values), in: Session(threads: 2), store)
    var header = try store.recordedHeader(live)
    let recorded = try store.recordedPredictions(live)
    let answers = try recorded.map { prediction in
      guard case .dense(let losses)? = prediction.losses else {
        throw ElbowError(.missing, "the losses are dense")
      }
      let answer = Prediction(
        weighing: losses, at: prediction.position, of: header, seconds: prediction.seconds)
      #expect(answer.predicted == prediction.predicted && answer.correct == prediction.correct)
      #expect(answer.nfe == prediction.nfe)
      return answer
    }
    header.id = ULID.make()
    try store.record(
      header, answers,
      RunEnding(status: .finished, wallSeconds: 1, cpuSeconds: 1, peakMemory: 1))
    let worst = try store.readOnly(
      """
      SELECT count(*), max(abs(a.elbo - b.elbo) / abs(a.elbo)) FROM class_elbos AS a
      JOIN class_elbos AS b USING (position, class)
      WHERE a.run_id = '\(live)' AND b.run_id = '\(header.id)'
      """
    ).rows[0]
    #expect(worst[0] == .integer(40))
    #expect(try #require(worst[1].number) < 1e-12)
    // It is replayed like Elbow's own, and resumed by nobody.
    let replay = try RecordedLosses(header.id, store)
      .replay(workers: Session(threads: 1).workers) { _ in true }
    #expect(replay.source.configuration == header.configuration)
    let foreign = try store.recordedRun(header.id)
    #expect(
      message { _ = try RunRequest(recorded: foreign.invocation, of: foreign.id) }
        .contains("made by another program"))
  }
}
