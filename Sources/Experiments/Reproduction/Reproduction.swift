import Basics
import Evaluation
import Records
import RunStore

/// A run made again by this program, beside what was recorded of it.
///
/// On the same build and instruction set every number comes out the same to the last bit, whatever the
/// threads, the batch, the order and the strategy; on another instruction set sums are rounded
/// otherwise, and by how much is what is measured here. Nothing is recorded.
public struct Reproduction: Sendable {
  /// The run.
  public let run: String
  /// Images that were made again: those that the run has classified.
  public let images: Int
  /// What was compared.
  public let comparisons: [NumberComparison]
  /// What is otherwise now than when it was recorded, or what it was recorded with.
  public let circumstances: [Circumstance]

  /// The parts as given.
  init(
    run: String, images: Int, comparisons: [NumberComparison], circumstances: [Circumstance]
  ) {
    (self.run, self.images) = (run, images)
    (self.comparisons, self.circumstances) = (comparisons, circumstances)
  }

  /// Whether all numbers are the same to the last bit.
  public var isExact: Bool { comparisons.allSatisfy { $0.differing == 0 } }

  /// Runs a recorded run again and compares image by image.
  ///
  /// - Parameters:
  ///   - run: the run.
  ///   - store: that it is recorded in.
  ///   - session: threads, files, who watches.
  ///   - files: where models and data are that are not where they were.
  ///   - batch: images in flight; nil: as many as threads.
  ///   - engine: command of the engine that computes it, of a run that one has computed.
  /// - Throws: `ElbowError`, which lists what is missing; `CancellationError`.
  public init(
    of run: RecordedRun, in store: RunStore, session: Session, files: ReplacedFiles = .init(),
    batch: Int? = nil, engine: String? = nil
  ) throws {
    self.run = run.id
    images = run.done.count
    let header = try store.recordedHeader(run.id)
    var environment = session.environment(batch: batch)
    let sink = ComparingSink(run, header, store, session.watch)
    if let source = header.replayOf {
      try Self.replay(header, of: source, store, session, into: sink)
    } else {
      var experiment = Experiment(try files.request(of: run, header), batch: batch)
      experiment.request.engine = engine
      let prepared = try experiment.asking(what: run, of: store, in: session, doing: "reproduced")
      environment = session.environment(
        batch: batch, engine: prepared.plan.engine,
        precision: prepared.plan.configuration.precision)
      let others = Set(run.inputs.indices).subtracting(run.done)
      let ending = try prepared.evaluator(in: session, reading: store)
        .run(skipping: others, into: sink)
      if ending.status == .interrupted { throw CancellationError() }
      if let error = ending.error { throw ElbowError(.conflict, "run \(run.id): \(error)") }
    }
    comparisons = sink.comparisons
    circumstances = try store.circumstances(of: run.id, now: environment)
  }

  /// Makes the answers of a replay from the losses that it was made from.
  private static func replay(
    _ header: RunHeader, of source: String, _ store: RunStore, _ session: Session,
    into sink: ComparingSink
  ) throws {
    let images = Set(header.inputs)
    let replay = try RecordedLosses(source, store).replay(workers: session.workers) {
      images.contains($0)
    }
    for answer in try replay.predictions(header.configuration, workers: session.workers) {
      try sink.receive(.predicted(answer))
    }
  }
}
