import Basics
import Classifiers
import Datasets
import Engines
import Evaluation
import Foundation
import Records
import RunStore
import TensorCore

/// One run, from what is asked to what is recorded: the life of a run.
///
/// `prepare` loads what the request names and records nothing; `Prepared.run` evaluates image by image into
/// a store; `resume` goes on with what was broken off. Events flow one way: the evaluation tells the
/// writer, the writer the disk, and only what is on the disk is told to whoever watches.
public struct Experiment: Sendable {
  /// What is asked.
  public var request: RunRequest
  /// What it is called.
  public var labels: RunLabels
  /// Images in flight; nil: as many as threads.
  public var batch: Int?
  /// What progress is told under; nil: the name, or `run`.
  public var title: String?
  /// Seconds of other runs that follow, for those who watch; nil: none are planned.
  package var later: Double?

  /// An experiment of one request.
  public init(_ request: RunRequest, labels: RunLabels = RunLabels(), batch: Int? = nil) {
    (self.request, self.labels, self.batch) = (request, labels, batch)
  }

  /// How a run ended, or this process's part of it.
  public struct Outcome: Sendable {
    /// ULID of the run.
    public let id: String
    /// How it ended.
    public let ending: RunEnding
    /// What recording took.
    package let cost: RunWriter.Effort
  }

  /// A request with everything that it names.
  public struct Prepared: Sendable {
    /// The experiment.
    public internal(set) var experiment: Experiment
    /// What is recorded before the first image.
    public let header: RunHeader
    /// What one image takes.
    package let plan: RunPlan
    /// The run whose images are classified, where that is one, and their places in it.
    let source: (run: RecordedRun, places: [Int])?
    /// Positions that an earlier process has done, and how many of them are right; nil: a new run.
    let resumed: (done: Set<Int>, correct: Int)?
  }

  /// Loads what the request names; nothing is recorded.
  ///
  /// - Parameters:
  ///   - session: threads and files that are read.
  ///   - store: holds the run that `inputsRun` names; nil where the request names none.
  /// - Throws: `ElbowError`: what keeps the run from being begun.
  public func prepare(in session: Session, reading store: RunStore?) throws -> Prepared {
    let named = try request.inputsRun.map { name in
      guard let store else {
        throw ElbowError(
          .missing, "`inputs` names run \(name), and there is no database to find it in")
      }
      return try store.recordedRun(name)
    }
    let request = try named.map(request.taking) ?? request
    let source = try named.map { ($0, try request.places(of: $0.inputs.count)) }
    let plan = try RunPlan(request, workers: session.workers, files: session.files)
    return Prepared(
      experiment: self, header: try header(request, plan, source, id: ULID.make(), session),
      plan: plan, source: source, resumed: nil)
  }

  /// Runs and records.
  ///
  /// - Throws: `ElbowError`: what kept the run from being begun; later trouble is in the ending.
  public func run(in session: Session, into store: RunStore) throws -> Outcome {
    try prepare(in: session, reading: store).run(in: session, into: store)
  }

  /// Takes up a recorded run that has not finished.
  ///
  /// What is asked is what was recorded; labels stay as they are.
  ///
  /// - Parameters:
  ///   - run: the run.
  ///   - store: where it is recorded.
  ///   - session: threads and files that are read.
  ///   - batch: images in flight; nil: as many as threads.
  ///   - data: folder of the dataset's files; nil: where it was.
  ///   - engine: command of the engine that computes it, of a run that one has computed; it must
  ///     serve the same.
  ///   - title: what progress is told under; nil: the name, or `run`.
  /// - Throws: `ElbowError` where the run is finished or running, or its files have changed.
  public static func resuming(
    _ run: RecordedRun, of store: RunStore, in session: Session, batch: Int? = nil,
    data: String? = nil, engine: String? = nil, title: String? = nil
  ) throws -> Prepared {
    switch run.status {
    case "finished":
      throw ElbowError(.conflict, "run \(run.id) is finished; there is nothing to resume")
    case "running":
      throw ElbowError(.conflict, "run \(run.id) is being worked on by another process")
    default: break
    }
    var request = try RunRequest(recorded: run.invocation, of: run.id)
    // Of which the request holds a part.
    let recorded = try store.recordedHeader(run.id)
    request.seed = recorded.seed
    request.attackSeed = recorded.attackSeed ?? request.attackSeed
    request.move(to: data)
    request.engine = engine
    var experiment = Experiment(request, batch: batch)
    experiment.title = title ?? recorded.labels.name
    return try experiment.asking(what: run, of: store, in: session, doing: "resumed")
  }

  /// The experiment whose request, or one with the same files under other names, a run has recorded.
  ///
  /// - Parameter doing: what cannot be done where files have changed.
  /// - Throws: `ElbowError` where it would ask something else.
  func asking(
    what run: RecordedRun, of store: RunStore, in session: Session, doing: String
  ) throws -> Prepared {
    let source = try run.inputsRun.map(store.recordedRun)
      .map { ($0, try request.places(of: $0.inputs.count)) }
    let plan = try RunPlan(request, workers: session.workers, files: session.files)
    try check(plan.engine, of: run.id)
    var header = try header(request, plan, source, id: run.id, session)
    guard try header.configuration.fingerprint() == run.fingerprint else {
      throw Self.changed(run.id, doing, "its model or training images are")
    }
    guard header.inputs.count == run.inputs.count,
      zip(header.inputs, run.inputs).allSatisfy({ $0.isSameImage(as: $1) })
    else { throw Self.changed(run.id, doing, "its images are") }
    // A set may be called otherwise since; its noise is drawn under the name that is recorded.
    header.inputs = run.inputs
    return Prepared(
      experiment: self, header: header, plan: plan, source: source,
      resumed: (run.done, run.correctCount))
  }

  /// - Throws: `ElbowError` where a run needs an engine, has none, or had another.
  private func check(_ engine: EngineClient?, of run: String) throws {
    switch (request.engineSHA256, engine?.hello) {
    case (nil, nil): break
    case (nil, .some):
      throw ElbowError(.conflict, "run \(run) was computed without an engine; leave `engine` out")
    case (.some, nil):
      throw ElbowError(
        .conflict,
        "run \(run) was computed by an engine, and a command that stands in a file is not started: "
          + "name it again with `engine`")
    case (let hash?, let hello?):
      guard hash != hello.sha256 else { return }
      throw ElbowError(
        .conflict,
        "run \(run) was computed by another engine: this one serves \(hello.name), SHA-256 "
          + "\(hello.sha256.prefix(12))…, it had \(hash.prefix(12))…")
    }
  }

  private static func changed(_ id: String, _ doing: String, _ what: String) -> ElbowError {
    ElbowError(
      .conflict,
      "run \(id) cannot be \(doing): \(what) no longer what they were; put the old files back")
  }

  private func header(
    _ request: RunRequest, _ plan: RunPlan, _ source: (run: RecordedRun, places: [Int])?,
    id: String, _ session: Session
  ) throws -> RunHeader {
    let made = source.map { source in
      let inputs = source.run.finalInputs
      return source.places.map { inputs[$0] }
    }
    let shape = plan.dataset.shape
    var header = RunHeader(
      id: id, configuration: plan.configuration, model: plan.model, seed: request.seed,
      classNames: plan.dataset.classNames, imageShape: [shape.channels, shape.height, shape.width],
      inputs: try made ?? session.files.inputs(request, of: plan.dataset),
      timesteps: plan.timesteps)
    header.timestepsAsked = plan.timestepsAsked
    header.labels = labels
    header.lmModel = plan.lmModel
    header.attack = request.attack
    header.attackSeed = request.attack == nil ? nil : request.attackSeed
    header.inputsRun = source?.run.id
    header.environment = session.environment(
      batch: batch, engine: plan.engine, precision: plan.configuration.precision)
    header.recordsLosses = request.recordsLosses
    // Numbers of JSON hold 53 bits; the run's columns hold all of a seed.
    var stored = request
    stored.engineSHA256 = plan.engine?.hello.sha256
    stored.limits = plan.dataset.limits
    stored.seed &= 1 << 53 - 1
    stored.attackSeed &= 1 << 53 - 1
    header.invocation = try JSONValue(encoding: stored).canonical
    return header
  }
}

extension Experiment.Prepared {
  /// Evaluates what is not done yet and records it.
  ///
  /// - Parameters:
  ///   - session: what it was prepared in.
  ///   - store: opened for writing.
  /// - Throws: `ElbowError` where the run cannot be begun; later trouble is in the ending.
  public func run(in session: Session, into store: RunStore) throws -> Experiment.Outcome {
    let progress = RunProgress(self, session.watch)
    var evaluator = evaluator(in: session, reading: store)
    evaluator.engine = plan.engine
    if plan.attack != nil { evaluator.watch = { progress.add($0, $1) } }
    let writer = RunWriter(store) { progress.add($0) }
    let ending = try evaluator.run(
      skipping: resumed?.done ?? [], resuming: resumed != nil, into: writer)
    return Experiment.Outcome(id: header.id, ending: ending, cost: writer.cost)
  }
}

extension Experiment.Prepared {
  /// What evaluates its images.
  ///
  /// - Parameter store: holds the images of another run, where they are its inputs.
  func evaluator(in session: Session, reading store: RunStore) -> Evaluator {
    let (dataset, header, source) = (plan.dataset, header, source)
    return Evaluator(
      header: header, classifier: plan.classifier, attack: plan.attack, workers: plan.workers
    ) { position in
      if let (run, places) = source, run.adversarial[places[position]] != nil {
        return try store.adversarialImage(run: run.id, position: places[position])
      }
      return dataset.pixels(at: header.inputs[position].index)
    }
  }

  /// The same under another title.
  func titled(_ title: String) -> Self {
    var run = self
    run.experiment.title = title
    return run
  }

  /// The same with seconds of other runs that follow, for those who watch.
  func later(_ seconds: Double) -> Self {
    var run = self
    run.experiment.later = seconds
    return run
  }
}

extension RunRequest {
  /// The request that a run recorded.
  ///
  /// Fields that it does not have, because the Elbow that wrote it did not know them, are at their
  /// defaults.
  ///
  /// - Throws: `ElbowError` for JSON that is no request of this or an older version.
  package init(recorded json: String, of run: String) throws {
    guard json != RunHeader.foreignInvocation else {
      throw ElbowError(
        .conflict,
        "run \(run) was made by another program, which alone can go on with it or make it again")
    }
    do {
      try self.init(json: json)
    } catch {
      throw ElbowError(
        .newer, "run \(run) was begun by another version of Elbow and cannot be taken up: \(error)")
    }
  }

  /// The request on the images of a recorded run.
  fileprivate func taking(_ run: RecordedRun) throws -> RunRequest {
    guard let first = run.inputs.first,
      run.inputs.allSatisfy({ $0.dataset == first.dataset && $0.split == first.split })
    else { throw ElbowError(.conflict, "run \(run.id) has images of several datasets") }
    guard run.done.count == run.inputs.count else {
      throw ElbowError(
        .conflict,
        "run \(run.id) has classified \(run.done.count) of its \(run.inputs.count.counted("image")); resume "
          + "it first")
    }
    var request = self
    request.inputsRun = run.id
    request.dataset = first.dataset
    request.split = first.split
    // A folder of the user's is where it was.
    request.data = request.data ?? (try? RunRequest(recorded: run.invocation, of: run.id))?.data
    return request
  }
}
