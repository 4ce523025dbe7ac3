import Evaluation
import Experiments
import Records
import RunStore
import TestSupport
import Testing

/// The checks that an attack must pass to be believed.
@Suite struct SanityTests {
  private func report(
    _ values: [String: String], _ store: RunStore
  ) throws -> (report: SanityReport, suite: SanitySuite) {
    let session = Session(threads: 2)
    let suite = try SanitySuite(RequestKeys.request(values), queries: 20)
    let plan = try SweepPlan(
      suite.cells, constants: [], Experiment(RunRequest()), in: session, reading: store,
      again: false)
    var sweep = Sweep(plan)
    try sweep.run(in: session, into: store) {
      false
    } finished: { _ in
    }
    #expect(sweep.failures.isEmpty)
    let ids = try plan.finished(in: store).map { try #require($0) }
    #expect(ids.count == suite.parts.count)
    let runs = Dictionary(uniqueKeysWithValues: zip(suite.parts.map(\.part), ids))
    let probe = try GradientProbe(of: suite.base, count: 100, in: session)
    return (try SanityReport(suite, runs: runs, probe, in: store), suite)
  }

  private func failed(_ report: SanityReport) -> [String] {
    report.checks.filter { $0.verdict == .fail }.map(\.name)
  }

  /// A network trained on one step hides its gradients beyond it; one trained on iterations does not.
  @Test func theControlFailsAndTheTrainedPasses() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var values = [
      "classifier": "cnn", "images": "12", "attack": "fgsm", "epsilon": "0.3",
      "model": "fashion-mnist-cnn-fgsm-0.3",
    ]
    let control = try report(values, store).report
    #expect(failed(control).contains("rise"), "\(control.checks)")
    values["model"] = "fashion-mnist-cnn-pgd-linf-0.1"
    values["epsilon"] = "0.1"
    let trained = try report(values, store).report
    #expect(failed(trained) == [], "\(trained.checks)")
    #expect(!control.passes && trained.passes)
    let id = try trained.record("checks", group: "sanity", arguments: [], in: store)
    let metrics = try store.readOnly(
      "SELECT value FROM metrics WHERE run_id = '\(id)' AND name = 'sanity.rise.pass'")
    #expect(metrics.rows == [[.real(1)]])
  }

  /// A classifier that draws noise is attacked knowing it, once with other noise.
  @Test func randomizedClassifiersAreAttackedKnowingTheirNoise() throws {
    let request = try small("2", ["attack": "fgsm", "norm": "l2", "epsilon": "1"])
    let suite = try SanitySuite(request, queries: 5)
    let attacks = suite.parts.compactMap(\.request.attack)
    #expect(attacks.filter { $0.noise == .fresh }.count == 1)
    #expect(attacks.allSatisfy { $0.norm == .l2 && $0.epsilon == 1 && $0.redraws == 0 })
    let probe = try GradientProbe(of: suite.base, count: 2, in: Session(threads: 2))
    #expect(probe.images > 0 && probe.differing == 1 && probe.finite == 1)
    let cosine = try #require(probe.cosine)
    #expect((-1...1).contains(cosine) && cosine != 1)
    let other = try RequestKeys.request(
      ["classifier": "cnn", "model": "fashion-mnist-cnn", "attack": "stadv"])
    #expect(message { _ = try SanitySuite(other, queries: 5) }.contains("linf or l2"))
  }
}
