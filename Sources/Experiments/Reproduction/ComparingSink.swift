import Basics
import Evaluation
import Records
import RunStore
import Synchronization

/// Compares predictions with those recorded at the same positions, as they come.
final class ComparingSink: RunSink {
  private let run: RecordedRun
  private let header: RunHeader
  private let store: RunStore
  private let watch: WorkWatch
  private let state: Mutex<State>

  private struct State {
    var done = 0
    var comparisons: [NumberComparison]
  }

  /// What is compared of a prediction; seconds are the machine's.
  private static let quantities: [(name: String, numbers: @Sendable (Prediction) -> [Double?])] = [
    ("predicted", { [Double($0.predicted)] }),
    ("correct", { [$0.correct ? 1 : 0] }),
    ("nfe", { [Double($0.nfe)] }),
    ("gradients", { [Double($0.gradients)] }),
    ("elbo", { $0.evidence.sorted { $0.label < $1.label }.map(\.elbo) }),
    ("last_round", { $0.evidence.sorted { $0.label < $1.label }.map { Double($0.lastRound) } }),
    ("loss", { $0.losses?.values ?? [] }),
    ("place of a loss", { $0.losses?.places ?? [] }),
    // Of a classifier that moves images.
    ("movement", { $0.movementMax == nil ? [] : [$0.movementMax, $0.movementMean] }),
    ("clean_predicted", { $0.attack.map { [Double($0.cleanPredicted)] } ?? [] }),
    (
      "attack cost",
      { $0.attack.map { [Double($0.nfe), Double($0.gradients), $0.zeroGradientShare] } ?? [] }
    ),
    ("attack_loss", { $0.attack.map { [$0.loss] } ?? [] }),
    ("attack distance", { $0.attack.map { [$0.linf, $0.l2] } ?? [] }),
    (
      "redraws",
      { $0.attack?.redraws.map { [$0.count, $0.correct, $0.majority].map { Double($0) } } ?? [] }
    ),
    ("broken_by", { $0.attack?.brokenBy.map { $0.utf8.map { Double($0) } } ?? [] }),
    ("pixel", { $0.attack?.image?.map { Double($0) } ?? [] }),
  ]

  /// A sink for the predictions of a run of `header`.
  init(_ run: RecordedRun, _ header: RunHeader, _ store: RunStore, _ watch: WorkWatch) {
    (self.run, self.header, self.store, self.watch) = (run, header, store, watch)
    state = Mutex(State(comparisons: Self.quantities.map { NumberComparison($0.name) }))
  }

  /// What was found, of what there was.
  var comparisons: [NumberComparison] {
    state.withLock { $0.comparisons.filter { $0.compared > 0 } }
  }

  func receive(_ event: RunEvent) throws {
    guard case .predicted(var made) = event else { return }
    let position = made.position
    guard let recorded = try store.recordedWhole(run.id, position: position) else {
      throw ElbowError(.missing, "run \(run.id) has lost its prediction at position \(position)")
    }
    // What the run did not record is not compared, and a replay makes no losses.
    if !header.recordsLosses { made.losses = nil }
    let answer = made
    let image = header.inputs[position].index
    let done = state.withLock { state in
      for (index, quantity) in Self.quantities.enumerated() {
        state.comparisons[index].add(
          quantity.numbers(recorded), quantity.numbers(answer), at: image)
      }
      state.done += 1
      return (state.done, state.comparisons.reduce(0) { $0 + $1.differing })
    }
    watch(
      WorkUpdate(
        "reproduce", done.0, of: run.done.count, "images",
        remarks: [done.1 == 0 ? "all bits equal" : "\(done.1) numbers differ"]))
  }
}

extension LossRecord {
  /// Losses in their order: of draw, timestep and class where images differ in them, whichever they
  /// were recorded in.
  fileprivate var values: [Double?] {
    switch self {
    case .dense(let values): values.map { Double($0) }
    case .sparse(let losses): losses.sorted { $0.place < $1.place }.map { Double($0.value) }
    }
  }

  /// Draw, timestep and class of each, where images differ in them.
  fileprivate var places: [Double?] {
    guard case .sparse(let losses) = self else { return [] }
    return losses.sorted { $0.place < $1.place }
      .flatMap { [$0.draw, $0.timestep, $0.label] }.map { Double($0) }
  }
}
