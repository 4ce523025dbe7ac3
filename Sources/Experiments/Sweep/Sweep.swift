import Basics
import Records
import RunStore

/// Carries out the cells of a plan one after the other.
package struct Sweep {
  /// What came of a cell that did not finish.
  package struct Failure: Sendable {
    /// Place in the plan, from 1.
    package let number: Int
    /// What tells the cell apart.
    package let label: String
    /// The run that failed, where one was begun.
    package let run: String?
    /// Why.
    package let message: String
  }

  /// The plan.
  package let plan: SweepPlan
  /// Runs that were finished before, finished now, or begun, in the plan's order.
  package private(set) var ids: [String] = []
  /// Cells that did not finish.
  package private(set) var failures: [Failure] = []
  private var clock = SweepClock()

  /// A sweep of a plan.
  package init(_ plan: SweepPlan) { self.plan = plan }

  /// Runs what is left of every cell.
  ///
  /// - Parameters:
  ///   - store: opened for writing.
  ///   - isStopped: asked before every cell.
  ///   - finished: called with every run that is finished.
  package mutating func run(
    in session: Session, into store: RunStore, until isStopped: () -> Bool,
    finished: (String) throws -> Void
  ) throws {
    for (index, cell) in plan.cells.enumerated() {
      if isStopped() { return }
      let title = "[\(index + 1)/\(plan.cells.count)] \(cell.label)"
      let later = plan.cells[(index + 1)...].reduce(0) { $0 + $1.secondsLeft }
      let start = ContinuousClock.now
      do {
        guard let run = try prepared(cell, title, in: session, store) else { continue }
        let outcome = try run.later(clock.corrected(later)).run(in: session, into: store)
        ids.append(outcome.id)
        switch outcome.ending.status {
        case .finished:
          clock.add((ContinuousClock.now - start).seconds, of: cell.secondsLeft)
          try finished(outcome.id)
        case .interrupted: break
        case .failed: fail(index, cell, run: outcome.id, outcome.ending.error ?? "")
        }
      } catch {
        var id: String?
        if case .begun(let failed, _)? = try? plan.state(of: cell.run, in: store) { id = failed }
        if let id { ids.append(id) }
        fail(index, cell, run: id, "\(error)")
      }
    }
  }

  /// What is to be run of a cell; nil: nothing.
  private mutating func prepared(
    _ cell: PlannedCell, _ title: String, in session: Session, _ store: RunStore
  ) throws -> Experiment.Prepared? {
    // It may have changed since the plan: another process may share the sweep.
    switch try plan.state(of: cell.run, in: store) {
    case .done(let id):
      ids.append(id)
      return nil
    case .running(let id):
      session.watch.note("\(title): run \(id) is another process's; passed over")
      return nil
    case .begun(let id, _):
      return try Experiment.resuming(
        store.recordedRun(id), of: store, in: session, batch: cell.run.experiment.batch,
        engine: cell.run.experiment.request.engine, title: title)
    case .new: return cell.run.titled(title)
    }
  }

  private mutating func fail(_ index: Int, _ cell: PlannedCell, run: String?, _ message: String) {
    failures.append(
      Failure(number: index + 1, label: cell.label, run: run, message: message))
  }
}
