import Basics
import Datasets
import Evaluation
import Records
import RunStore

/// A timestep subset that is learnt against the attacks on itself.
///
/// What a subset saves on clean images it pays for under attack, where it looks elsewhere than the
/// attacker. So the subset is attacked, the whole grid is asked about the images that broke it, and the
/// subset is learnt again from these losses as well, until an attack on it breaks no more images than
/// one on the whole grid.
package struct AdaptiveLearning {
  /// An attacked run of the whole grid: its attack, and what it is measured by.
  package let whole: RecordedLosses
  private let request: RunRequest
  private let learning: StrategyLearning

  /// Learns against the attack of a run, on its images.
  ///
  /// - Parameters:
  ///   - run: of the strategy `full`, attacked, finished, with losses.
  ///   - method: as `greedy:8`.
  ///   - siftedShare: share of the answers that dropping classes may change; nil: no class is dropped.
  ///   - data: folder of the dataset's files; nil: where it was.
  ///   - store: where the run is recorded.
  /// - Throws: `ElbowError` for another run.
  package init(
    _ run: String, method: String, siftedShare: Double?, data: String? = nil, in store: RunStore
  ) throws {
    let recorded = try store.recordedRun(run)
    var request = try RunRequest(recorded: recorded.invocation, of: recorded.id)
    request.move(to: data)
    self.request = request
    guard request.attack != nil, recorded.status == "finished", recorded.recordsLosses,
      request.configuration.strategy == RunRequest().configuration.strategy
    else {
      throw ElbowError(
        .malformed,
        "run \(recorded.id) is no finished attacked run of the strategy full with losses, which "
          + "learning against an attack begins with")
    }
    whole = try RecordedLosses(recorded.id, store)
    learning = StrategyLearning(
      images: try .init(request.images), methods: [method], siftedShare: siftedShare)
  }

  /// The whole grid on the clean images.
  package var clean: SweepCell {
    cell("clean", strategy: nil) { $0.attack = nil }
  }

  /// The attack on a strategy.
  package func attack(on strategy: String, round: Int) -> SweepCell {
    cell("attack \(round)", strategy: strategy) { $0.recordsLosses = false }
  }

  /// The whole grid on the images that a run's attack made.
  package func whole(on run: String, round: Int) -> SweepCell {
    cell("images of attack \(round)", strategy: nil) {
      ($0.attack, $0.inputsRun, $0.images) = (nil, run, RunRequest().images)
    }
  }

  private func cell(
    _ name: String, strategy: String?, _ change: (inout RunRequest) -> Void
  ) -> SweepCell {
    var request = request
    request.configuration.strategy = strategy ?? request.configuration.strategy
    change(&request)
    return SweepCell(request, [("learning", name)])
  }

  /// Learns from the whole grid's losses on clean images, on those of its own attack, and on those of
  /// the attacks so far.
  ///
  /// - Parameter runs: full ids of the first and the last of these.
  /// - Throws: `ElbowError` where losses are missing.
  package func learn(
    from runs: [String], in session: Session, _ store: RunStore
  ) throws -> StrategyLearning.Learnt {
    let recorded = try [whole] + runs.map { try RecordedLosses($0, store) }
    let replays = try recorded.map { try $0.replay(workers: session.workers) { _ in true } }
    let learnt = try learning.learn(from: replays, in: session)
    return learnt[learnt.count - 1]
  }
}
