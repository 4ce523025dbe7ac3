import Basics
import Classifiers
import Evaluation
import Records
import Synchronization

/// Tells a watch how a run goes on: images that are committed, never what is merely computed, and,
/// of those under attack, how far the attack is.
final class RunProgress: Sendable {
  private struct State {
    var done: Int
    var correct: Int
    /// Compute that attacks on images in work have spent.
    var spent: [Int: Double] = [:]
  }

  private let title: String
  private let total: Int
  private let before: Int
  private let later: Double?
  /// Time that an attack takes, in that of an evaluation; nil: there is none, or none that can be
  /// counted.
  private let units: Double?
  private let watch: WorkWatch
  private let state: Mutex<State>

  init(_ run: Experiment.Prepared, _ watch: WorkWatch) {
    title = run.experiment.title ?? run.header.labels.name ?? "run"
    total = run.header.inputs.count
    before = run.resumed?.done.count ?? 0
    later = run.experiment.later
    units = (try? run.plan.expectedCost().attack).flatMap { $0.map(ExpectedCost.units) }
    self.watch = watch
    state = Mutex(State(done: before, correct: run.resumed?.correct ?? 0))
    watch(state.withLock { update($0) })
  }

  /// Takes a committed group.
  func add(_ predictions: [Prediction]) {
    guard !predictions.isEmpty else { return }
    watch(
      state.withLock { state in
        state.done += predictions.count
        state.correct += predictions.count(where: \.correct)
        for prediction in predictions { state.spent[prediction.position] = nil }
        return update(state)
      })
  }

  /// Takes what the attack on an image has spent.
  func add(_ position: Int, _ cost: Cost) {
    watch(
      state.withLock { state in
        state.spent[position] = ExpectedCost.units(cost)
        return update(state)
      })
  }

  private func update(_ state: State) -> WorkUpdate {
    var update = WorkUpdate(title, state.done, of: total, "images", before: before)
    if let units, units > 0, !state.spent.isEmpty {
      // An attack may end early, or take a little more than was counted.
      let shares = state.spent.values.map { min(1, $0 / units) }
      update.part = shares.reduce(0, +)
      update.within = "attack \(Int(nearest: 100 * (shares.max() ?? 0))) %"
    }
    if state.done > 0 {
      let share = Double(state.correct) / Double(state.done)
      update.remarks = ["accuracy \((1000 * share).rounded() / 10) %"]
    }
    update.later = later
    return update
  }
}
