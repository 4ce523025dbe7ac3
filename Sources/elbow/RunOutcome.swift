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
  private let flags: [(name: String, value: String?)]

  /// - Parameter flags: what to go on with it takes besides, where they have values.
  init(
    _ outcome: Experiment.Outcome, store: RunStore, database: DatabaseOption, isOutOfTime: Bool,
    flags: [(name: String, value: String?)] = []
  ) {
    (self.outcome, self.store, self.database) = (outcome, store, database)
    (self.isOutOfTime, self.flags) = (isOutOfTime, flags)
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
      let rest = flags.compactMap { name, value in value.map { " --\(name) \($0.shellWord)" } }
      Output.error(
        "elbow: \(isOutOfTime ? "time is up" : "interrupted"); go on with: "
          + "\(Output.program) run --resume \(outcome.id)\(rest.joined())\(database.flag)")
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
