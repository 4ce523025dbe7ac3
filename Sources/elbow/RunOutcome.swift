import ArgumentParser
import Basics
import Experiments
import Queries
import Records
import Reporting
import RunStore

/// How a recorded run ended, as the command line tells it.
struct RunOutcome {
  private let outcome: Experiment.Outcome
  private let store: RunStore
  private let database: DatabaseOption
  private let isOutOfTime: Bool
  private let engine: String?

  /// - Parameter engine: command of the engine that computed it.
  init(
    _ outcome: Experiment.Outcome, store: RunStore, database: DatabaseOption, isOutOfTime: Bool,
    engine: String? = nil
  ) {
    (self.outcome, self.store, self.database) = (outcome, store, database)
    (self.isOutOfTime, self.engine) = (isOutOfTime, engine)
  }

  /// Shows the run, and ends the program as the run ended.
  func report(_ format: TableFormat) throws {
    let runs = try store.query(.runs, where: .ids([outcome.id]))
    switch format {
    case .table: try format.write(RunSummary.table(runs))
    case .json: try Output.write(format.object(runs.columns, runs.rows[0]) + "\n")
    default: try Output.write(format.render(runs))
    }
    try Self.warnOfMaskedGradients(outcome.id, store)
    switch outcome.ending.status {
    case .finished: break
    case .failed:
      let error = Output.spelled(outcome.ending.error ?? "")
      Output.error("elbow: run \(outcome.id) failed: \(error)")
      throw ExitCode(1)
    case .interrupted:
      Output.error(
        "elbow: \(isOutOfTime ? "time is up" : "interrupted"); go on with: "
          + "\(Output.program) run --resume \(outcome.id)"
          + "\(engine.map { " --engine \($0.shellWord)" } ?? "")\(database.flag)")
      throw ExitCode(isOutOfTime ? 0 : 130)
    }
  }

  /// An attack whose gradients vanish proves nothing.
  static func warnOfMaskedGradients(_ run: String, _ store: RunStore) throws {
    let summary = try store.query(.attackSummary(of: run))
    guard let share = summary[0, .zeroGradients], share > 0.05 else { return }
    Output.error(
      "elbow: \(RunSummary.percent(share)) % of the attack's gradient pixels were exactly zero: the "
        + "defence may only seem robust; attack with apgd-margin or apgd-dlr, or lower --logit-scale"
    )
  }
}
