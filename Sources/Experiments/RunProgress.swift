import Basics
import Records
import Synchronization

/// Tells a watch how a run goes on: what is committed, never what is merely computed.
final class RunProgress: Sendable {
  private let title: String
  private let total: Int
  private let before: Int
  private let later: Double?
  private let watch: WorkWatch
  private let counts: Mutex<(done: Int, correct: Int)>

  init(_ run: Experiment.Prepared, _ watch: WorkWatch) {
    title = run.experiment.title ?? run.header.labels.name ?? "run"
    total = run.header.inputs.count
    before = run.resumed?.done.count ?? 0
    later = run.experiment.later
    self.watch = watch
    counts = Mutex((before, run.resumed?.correct ?? 0))
  }

  /// Takes a committed group.
  func add(_ predictions: [Prediction]) {
    guard !predictions.isEmpty else { return }
    let (done, correct) = counts.withLock { counts in
      counts.done += predictions.count
      counts.correct += predictions.count(where: \.correct)
      return counts
    }
    let accuracy = Double(correct) / Double(max(done, 1))
    var update = WorkUpdate(title, done, of: total, "images", before: before)
    update.remarks = ["accuracy \(Self.percent(accuracy)) %"]
    update.later = later
    watch(update)
  }

  private static func percent(_ share: Double) -> String {
    "\((1000 * share).rounded() / 10)"
  }
}
