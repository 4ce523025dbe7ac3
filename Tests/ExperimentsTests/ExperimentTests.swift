import Basics
import Evaluation
import Experiments
import Records
import Reporting
import RunStore
import Synchronization
import TestSupport
import Testing

@Suite struct ExperimentTests {
  /// Stops a session once so many images are recorded.
  private func session(stoppingAfter images: Int) -> Session {
    let stop = Mutex<Session?>(nil)
    let watch = WorkWatch { update in
      if update.done >= images { stop.withLock { $0?.cancel() } }
    } note: { _ in
    }
    let session = Session(threads: 2, watch: watch)
    stop.withLock { $0 = session }
    return session
  }

  /// Prepared, run, broken off, taken up: the same rows as those of an undisturbed run.
  @Test(arguments: [
    ["strategy": "halving:3x2,1x4"], ["attack": "pgd-margin", "attack-steps": "1"],
  ])
  func aLifeOfAnExperiment(values: [String: String]) throws {
    let whole = TemporaryDatabase()
    let undisturbed = try RunStore(whole.path, for: .write)
    let request = try small("40", values)
    let expected = try rows(run(request, in: Session(threads: 2), undisturbed), undisturbed)
    #expect(expected[0].rows.count == 40)

    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let first = session(stoppingAfter: 3)
    let prepared = try Experiment(request, labels: RunLabels(name: "broken off"))
      .prepare(in: first, reading: nil)
    #expect(try store.query("runs").rows.isEmpty, "preparing records nothing")
    let part = try prepared.run(in: first, into: store)
    #expect(part.id == prepared.header.id)
    try #require(part.ending.status == .interrupted)
    let recorded = try store.recordedRun(part.id)
    #expect(recorded.status == "interrupted" && (3..<40).contains(recorded.done.count))

    let session = Session(threads: 3)
    let rest = try Experiment.resuming(recorded, of: store, in: session)
      .run(in: session, into: store)
    #expect(rest.id == part.id && rest.ending.status == .finished)
    #expect(try rows(rest.id, store) == expected)
    #expect(try store.recordedHeader(rest.id).labels.name == "broken off")
    #expect(
      message {
        _ = try Experiment.resuming(store.recordedRun(rest.id), of: store, in: session)
      }.contains("is finished"))
  }

  /// An experiment on the images of another run, which are there once that one is done.
  @Test func experimentsTakeTheImagesOfOthers() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let session = Session(threads: 2)
    let attacked = try run(
      small("4", ["attack": "pgd-margin", "attack-steps": "1", "epsilon": "0.1"]), in: session,
      store)
    var request = try small()
    request.inputsRun = String(attacked.prefix(20))
    let again = try store.recordedRun(run(request, in: session, store))
    #expect(again.inputsRun == attacked)
    #expect(try again.inputs == store.recordedRun(attacked).finalInputs)
    #expect(
      message { _ = try Experiment(request).prepare(in: session, reading: nil) }
        .contains("there is no database"))
  }

  /// Purification before a network and before the diffusion classifier: recorded, told apart, counted;
  /// most of the first images are right.
  @Test func imagesArePurified() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let session = Session(threads: 2)
    func purified(_ request: RunRequest) throws -> [Cell] {
      let id = try run(request, in: session, store)
      return try store.readOnly(
        "SELECT classifier, purify, nfe_per_image, gradients_per_image, attack_gradients_per_image, "
          + "n_correct FROM runs WHERE id = '\(id)'"
      ).rows[0]
    }
    let clean = try purified(
      RequestKeys.request([
        "classifier": "purify+cnn", "model": "fashion-mnist-cnn", "purify": "ode:0.2:3",
        "images": "20",
      ]))
    #expect(clean[..<4] == [.text("purify+cnn"), .text("ode:0.2:3"), .real(6), .real(0)])
    #expect((clean[5].number ?? 0) >= 15)
    let dc = ["classifier": "purify+dc", "purify": "sde:0.20:2"]
    let counted = try purified(small("4", dc))
    #expect(counted[..<4] == [.text("purify+dc"), .text("sde:0.2:2"), .real(42), .real(0)])
    // One step and its start: 2 looks of 4 levels × 2 classes, and the way back through 2 steps.
    let attack = ["attack": "pgd-margin", "attack-steps": "1", "gradient": "exact"]
    let attacked = try purified(small("1", dc.merging(attack) { $1 }))
    #expect(attacked[4] == .real(2 * (8 + 2)))
  }

  /// What a library's caller reads of two runs.
  @Test func pairsAreReadBack() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let session = Session(threads: 2)
    let full = try run(small("6"), in: session, store)
    let part = try run(small("4", ["strategy": "first:1"]), in: session, store)
    let comparison = try Comparison([full, String(part.prefix(22))], in: store)
    let pair = comparison.pairs[0]
    #expect(comparison.pairs.count == 1 && pair.n == 4)
    let right = try [full, part].map { run in
      try store.readOnly(
        "SELECT sum(correct) FROM predictions WHERE run_id = '\(run)' AND position < 4"
      ).rows[0][0].number ?? -1
    }
    #expect(abs(pair.delta - (right[1] - right[0]) / 4) < 1e-12)
    #expect(throws: ElbowError.self) { try Comparison(["01", "02"], in: store) }
  }
}
