import Analysis
import Classifiers
import Datasets
import Evaluation
import Foundation
import Records
import RunStore
import TensorCore

/// From a request to a recorded run.
struct Recording {
  /// What is asked.
  var request: RunRequest
  /// Database file.
  var database: String
  var name: String?
  var group: String?
  var note: String?
  var tags: [String: String] = [:]
  /// Worker threads.
  var threads = ProcessInfo.processInfo.activeProcessorCount
  /// Images in flight; nil: as many as threads.
  var batch: Int?
  /// Seconds after which the run is interrupted.
  var budget: Double?
  /// What it shares with other runs of this process, which goes before `threads` and `budget`; nil:
  /// nothing.
  var shared: SharedWork?
  /// Label of the progress line.
  var label = "elbow run"
  /// From the seconds left of the run to what the progress line ends with.
  var remark: @Sendable (_ left: Double) -> String = { _ in "" }

  /// How a recorded run ended.
  struct Outcome {
    var id: String
    var ending: RunEnding
    var isOutOfTime: Bool
    var store: RunStore
    /// What recording took.
    var cost: RunWriter.Cost
  }

  /// A request with everything that it names.
  struct Prepared {
    var plan: RunPlan
    var source: RecordedRun?
    var header: RunHeader
  }

  /// Loads what the request names; nothing is recorded.
  ///
  /// - Throws: what keeps the run from being begun.
  func prepare(_ work: SharedWork) throws -> Prepared {
    let source = try request.inputsRun.map { try RunStore(database, for: .read).recordedRun($0) }
    let request = try source.map(request.taking) ?? request
    let plan = try RunPlan(request, workers: work.workers, files: work.files)
    let header = try header(request, plan, source, id: ULID.make(), work)
    return Prepared(plan: plan, source: source, header: header)
  }

  /// Runs and records.
  ///
  /// - Throws: what kept the run from being begun; later trouble is in the ending.
  func start() throws -> Outcome {
    CurrentCode.findOut()
    let work = shared ?? SharedWork(threads: threads, budget: budget)
    let prepared = try prepare(work)
    // Only a request that can be run makes a database.
    let store = try RunStore(database, for: .write)
    return try evaluate(prepared, done: [], correct: 0, work, store)
  }

  /// Goes on with a recorded run that has not finished.
  ///
  /// - Throws: as `start`; `ConfigurationError` where the run is finished, or its files have changed.
  static func resume(_ prefix: String, with settings: Recording) throws -> Outcome {
    CurrentCode.findOut()
    let recorded = try RunStore(settings.database, for: .read)
    let run = try recorded.recordedRun(prefix)
    guard run.status != "finished" else {
      throw ConfigurationError("run \(run.id) is finished; there is nothing to resume")
    }
    guard run.status != "running" else {
      throw ConfigurationError("run \(run.id) is being worked on by another process")
    }
    var recording = settings
    let request: RunRequest
    do {
      request = try JSONDecoder().decode(RunRequest.self, from: Data(run.invocation.utf8))
    } catch {
      throw ConfigurationError("run \(run.id) was begun by another version and cannot be resumed")
    }
    recording.request = request
    let source = try run.inputsRun.map(recorded.recordedRun)
    let work = settings.shared ?? SharedWork(threads: settings.threads, budget: settings.budget)
    let plan = try RunPlan(request, workers: work.workers, files: work.files)
    let header = try recording.header(request, plan, source, id: run.id, work)
    guard try header.configuration.fingerprint() == run.fingerprint else {
      throw ConfigurationError(
        "run \(run.id) cannot be resumed: its model or training images are no longer what they "
          + "were; put the old files back")
    }
    guard header.inputs == run.inputs else {
      throw ConfigurationError(
        "run \(run.id) cannot be resumed: its images are no longer what they were; put the old "
          + "files back")
    }
    let store = try RunStore(settings.database, for: .write)
    return try recording.evaluate(
      Prepared(plan: plan, source: source, header: header), done: run.done,
      correct: run.correctCount, work, store, resuming: true)
  }

  private func header(
    _ request: RunRequest, _ plan: RunPlan, _ source: RecordedRun?, id: String, _ work: SharedWork
  ) throws -> RunHeader {
    let inputs = try source?.finalInputs ?? work.files.inputs(request, of: plan.dataset)
    var header = RunHeader(
      id: id, configuration: plan.configuration, model: plan.model, seed: request.seed,
      classNames: plan.dataset.classNames,
      imageShape: [
        plan.dataset.shape.channels, plan.dataset.shape.height, plan.dataset.shape.width,
      ],
      inputs: inputs, timesteps: plan.timesteps)
    header.timestepsAsked = plan.timestepsAsked
    (header.name, header.group, header.note, header.tags) = (name, group, note, tags)
    header.lmModel = plan.lmModel
    header.attack = request.attack
    header.attackSeed = request.attack == nil ? nil : request.attackSeed
    header.inputsRun = source?.id
    header.threads = work.workers.count
    header.batch = batch ?? work.workers.count
    header.recordsLosses = request.recordsLosses
    header.arguments = CommandLine.arguments
    header.invocation = try JSONValue(encoding: request).canonical
    header.blas = "\(BLAS.version) \(BLAS.kernel)"
    header.instructionSet = compiledInstructionSet
    return header
  }

  private func evaluate(
    _ prepared: Prepared, done: Set<Int>, correct: Int, _ work: SharedWork, _ store: RunStore,
    resuming: Bool = false
  ) throws -> Outcome {
    let (plan, header, source) = (prepared.plan, prepared.header, prepared.source)
    let dataset = plan.dataset
    let evaluator = Evaluator(
      header: header, classifier: plan.classifier, attack: plan.attack, workers: work.workers
    ) { position in
      if let source, source.adversarial[position] != nil {
        return try store.adversarialImage(run: source.id, position: position)
      }
      return dataset.pixels(at: header.inputs[position].index)
    }
    let progress = Progress(
      label, total: header.inputs.count, done: done.count, correct: correct, remark: remark)
    let writer = RunWriter(store) { progress.add($0) }
    let ending = try evaluator.run(skipping: done, resuming: resuming, into: writer)
    progress.finish()
    return Outcome(
      id: header.id, ending: ending, isOutOfTime: work.interruption.isOutOfTime, store: store,
      cost: writer.cost)
  }
}

extension RunRequest {
  /// The request on the images of a recorded run.
  fileprivate func taking(_ run: RecordedRun) throws -> RunRequest {
    guard let first = run.inputs.first,
      run.inputs.allSatisfy({ $0.dataset == first.dataset && $0.split == first.split })
    else { throw ConfigurationError("run \(run.id) has images of several datasets") }
    guard run.done.count == run.inputs.count else {
      throw ConfigurationError(
        "run \(run.id) has classified \(run.done.count) of its \(run.inputs.count) images; resume "
          + "it first")
    }
    var request = self
    request.inputsRun = run.id
    request.dataset = first.dataset
    request.split = first.split
    return request
  }
}
