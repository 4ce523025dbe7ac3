import Basics
import Evaluation
import Queries
import Records
import RunStore

/// What a run takes: evaluations counted from its plan, seconds from recorded runs or a probe.
package struct Estimate: Sendable {
  /// Where the seconds come from.
  package enum Origin: String, Sendable { case runs, probe }

  /// What an image takes.
  package let cost: ExpectedCost
  /// Evaluations an image, as recorded runs of the configuration made; nil: none is recorded, or the
  /// plan is exact.
  package var recordedEvaluations: Double?
  /// Wall seconds of an image; nil: neither a recorded run nor a probe tells.
  package var secondsPerImage: Double?
  /// Where they come from.
  package var origin = Origin.probe

  /// Whether an image may take less than the count says.
  package var isBound: Bool { cost.isBound && recordedEvaluations == nil }
}

/// Estimates runs of one process, each classifier's speed found out once.
package struct Estimator {
  private let session: Session
  private let store: RunStore?
  private var rates: [String: (seconds: Double, origin: Estimate.Origin)] = [:]

  /// - Parameter store: tells of recorded runs; nil: there are none.
  package init(_ session: Session, _ store: RunStore?) {
    (self.session, self.store) = (session, store)
  }

  /// What a run takes.
  ///
  /// - Parameter probes: whether the network is timed, for a second, where no recorded run tells.
  /// - Throws: what the strategy, the attack or the store throws.
  package mutating func estimate(
    _ run: Experiment.Prepared, probes: Bool
  ) throws -> Estimate {
    let c = run.header.configuration
    var estimate = Estimate(cost: try run.plan.expectedCost())
    if estimate.cost.isBound, let store {
      estimate.recordedEvaluations = try store.evaluationsPerImage(of: c)
    }
    let kind = "\(c.classifier.rawValue) \(c.model) \(c.lmModel ?? "") \(c.precision)"
    if rates[kind] == nil {
      if let seconds = try store?.secondsPerUnit(of: run.header, units: ExpectedCost.units) {
        rates[kind] = (seconds, .runs)
      } else if probes {
        let seconds = try SpeedProbe.secondsPerEvaluation(
          run.experiment.request, workers: session.workers, batch: run.header.environment.batch,
          files: session.files)
        rates[kind] = (seconds, .probe)
      }
    }
    guard let rate = rates[kind] else { return estimate }
    let saved = estimate.recordedEvaluations.map { Double(estimate.cost.own.evaluations) - $0 } ?? 0
    let units = max(
      estimate.cost.units - saved * Double(estimate.cost.classifications), 0)
    (estimate.secondsPerImage, estimate.origin) = (rate.seconds * units, rate.origin)
    return estimate
  }
}

extension RunStore {
  /// Evaluations an image that runs and replays of the configuration made; nil: none is recorded.
  fileprivate func evaluationsPerImage(of configuration: Configuration) throws -> Double? {
    let fingerprint = try configuration.fingerprint()
    let runs = try query(
      .runs, where: .equal("fingerprint", fingerprint).and(.above("n_done", 0)),
      columns: ["nfe_per_image", "n_done"])
    let sums = runs.rows.reduce(into: (evaluations: 0.0, images: 0.0)) { sums, row in
      guard let each = row[0].number, let n = row[1].number else { return }
      sums = (sums.evaluations + each * n, sums.images + n)
    }
    return sums.images > 0 ? sums.evaluations / sums.images : nil
  }
}
