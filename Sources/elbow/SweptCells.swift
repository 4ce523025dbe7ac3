import ArgumentParser
import Basics
import Evaluation
import Experiments
import Records
import Reporting
import RunStore

/// Runs that a command needs for its answer, carried out as a sweep is: those that are recorded are
/// not run again, those that were broken off go on.
struct SweptCells {
  let cells: [SweepCell]
  let group: String
  let threads: Int?
  let budget: String?

  /// Runs what is not recorded.
  ///
  /// - Returns: a finished run for every cell, and the session that ran them.
  /// - Throws: `ExitCode` where it was interrupted or a run failed.
  @discardableResult
  func carryOut(_ store: RunStore) throws -> (runs: [String], session: Session) {
    try RunCommand.check(threads: threads, batch: nil)
    let seconds = try budget.map(RunCommand.seconds)
    CurrentCode.findOut()
    let session = Session(threads: threads, watch: Output.watch, arguments: Output.arguments)
    let interruption = Interruption(session.workers, budget: seconds)
    let template = Experiment(RunRequest(), labels: RunLabels(group: group))
    let plan = try SweepPlan(
      cells, constants: [], template, in: session, reading: store, again: false)
    session.watch.note(plan.total)
    var sweep = Sweep(plan)
    try sweep.run(in: session, into: store) {
      interruption.isRaised
    } finished: { _ in
    }
    for failure in sweep.failures {
      Output.error("elbow: \(failure.label) failed: \(Output.spelled(failure.message))")
    }
    if interruption.isRaised {
      Output.error(
        "elbow: \(interruption.isOutOfTime ? "time is up" : "interrupted"); the same command goes on"
      )
      throw ExitCode(interruption.isOutOfTime ? 0 : 130)
    }
    let runs = try plan.finished(in: store).compactMap(\.self)
    guard sweep.failures.isEmpty, runs.count == cells.count else { throw ExitCode(1) }
    return (runs, session)
  }
}
