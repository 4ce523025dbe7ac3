import Basics
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import TestSupport
import Testing
import Training

/// A domain of one dimension from its files to what is recorded: ItalyPowerDemand, two classes.
@Suite struct SignalRunTests {
  private static var data: String { Bundle.module.bundlePath + "/Fixtures" }

  private func request(_ images: String, _ values: [String: String]) throws -> RunRequest {
    try small(
      images,
      ["dataset": "series", "data": Self.data, "grid": "linear:0.1:2:8", "weights": "edm"]
        .filter { values["classifier"] != "cnn" || ["dataset", "data"].contains($0.key) }
        .merging(values) { $1 })
  }

  private func accuracy(_ run: String, _ store: RunStore) throws -> Double {
    try #require(
      store.readOnly("SELECT accuracy FROM runs WHERE id = '\(run)'").rows[0][0].number)
  }

  @Test func trainedClassifiedAttackedAndReplayed() throws {
    let folder = try TemporaryFolder()
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let session = Session(threads: 2)
    var diffusion = DiffusionRecipe()
    (diffusion.dataset, diffusion.flip, diffusion.heldOut) = ("series", false, 7)
    (diffusion.width, diffusion.multipliers) = (8, [1, 2])
    (diffusion.attentionResolutions, diffusion.warmupSteps) = ([12], 10)
    (diffusion.epochs, diffusion.batch, diffusion.averageDecay) = (150, 16, 0.98)
    let model = folder.file("diffusion.safetensors")
    let trained = try RecordedTraining(diffusion, model: model, data: Self.data)
      .run(in: session) { store }
    #expect(trained.isFinished)
    var classifier = ClassifierRecipe()
    (classifier.dataset, classifier.flip, classifier.heldOut) = ("series", false, 7)
    (classifier.width, classifier.multipliers, classifier.shift) = (8, [1, 2], 0)
    (classifier.epochs, classifier.batch, classifier.warmupSteps) = (100, 16, 10)
    classifier.averageDecay = 0.98
    let network = folder.file("cnn.safetensors")
    _ = try RecordedTraining(classifier, model: network, data: Self.data)
      .run(in: session) { store }

    let full = try run(request("100", ["model": model]), in: session, store)
    let cnn = try run(
      request("100", ["classifier": "cnn", "model": network]), in: session, store)
    let optimal = try run(request("100", ["classifier": "optimal"]), in: session, store)
    for one in [full, cnn, optimal] { #expect(try accuracy(one, store) > 0.8) }

    // Strategies, live and replayed, answer alike.
    let replay = try RecordedLosses(full, store)
      .replay(workers: session.workers) { _ in true }
    for strategy in ["uniform:4", "halving:2x4,1x8"] {
      let replayed = try ReplayWriter(store).record(
        replay, replay.configuration(strategy: strategy, weights: nil), labels: RunLabels(),
        in: session)
      let live = try run(
        request("100", ["model": model, "strategy": strategy]), in: session, store)
      #expect(try rows(replayed, store)[0] == rows(live, store)[0], "\(strategy)")
    }

    // Attacks: two classes have no ratio of three logits, one row no rotations.
    let attack = ["attack": "apgd-margin", "norm": "l2", "epsilon": "0.2", "attack-steps": "10"]
    let attacked = try run(
      request("20", attack.merging(["classifier": "cnn", "model": network]) { $1 }), in: session,
      store)
    #expect(try accuracy(attacked, store) < accuracy(cnn, store))
    for (name, problem) in [
      ("apgd-dlr", "needs 3 classes"), ("rand", "needs 3 classes"),
      ("rotation-translation", "is of pictures"), ("corruption-jpeg", "is of pictures"),
    ] {
      let values = ["classifier": "cnn", "model": network, "attack": name]
      #expect(message { _ = try run(request("2", values), in: session, store) }.contains(problem))
    }

    // What 0 and 1 are is recorded, and a signal is drawn as a curve in its own unit.
    let limits = try #require(
      ValueLimits(recordedRequest: store.recordedRun(attacked).invocation))
    #expect(abs(limits.low - -2.432574) < 1e-5 && abs(limits.high - 2.866429) < 1e-5)
    let page = try RunPage(attacked, store, times: TimeDisplay(now: Date(), zone: .gmt))
    #expect(try page.text().contains("ε 0.2 is 1.06"))
    let changed = try #require(
      store.readOnly(
        "SELECT min(image_index) FROM predictions WHERE run_id = '\(attacked)' AND attacked = 1"
      ).rows[0][0].number)
    let figure = try Figure(
      image: RecordedPixels(attacked, image: Int(changed), store), run: attacked, store)
    guard case .series(let curves) = figure.panels[0].content else {
      Issue.record("a signal is no matrix")
      return
    }
    #expect(curves.map(\.name) == ["clean", "as it was classified"])
    #expect(curves.allSatisfy { $0.points.count == 24 })
    #expect(curves[0].points.contains { $0.y < 0 })
  }
}
