import Evaluation
import Foundation
import Records
import RunStore
import TensorCore

/// A run with the losses that it recorded.
struct RecordedLosses {
  /// Its inputs as they were classified, adversarial ones included.
  let header: RunHeader
  let predictions: [Prediction]

  /// Reads the run that `prefix` names.
  ///
  /// - Throws: what the store throws.
  init(_ prefix: String, _ store: RunStore) throws {
    let recorded = try store.recordedRun(prefix)
    var header = try store.recordedHeader(recorded.id)
    header.inputs = recorded.finalInputs
    self.header = header
    predictions = try store.recordedPredictions(recorded.id)
  }

  /// A replay on the images that `isIncluded` lets through.
  ///
  /// - Throws: `ConfigurationError` where there are none, or losses are missing.
  func replay(
    workers: WorkerPool, where isIncluded: (InputRecord) -> Bool
  ) throws -> Replay {
    guard predictions.count == header.inputs.count else {
      throw ConfigurationError(
        "run \(header.id) has classified \(predictions.count) of its \(header.inputs.count) "
          + "images; resume it first")
    }
    let (source, predictions) = try Replay.part(header, predictions, where: isIncluded)
    return try Replay(source, predictions, workers: workers)
  }
}

extension ReplayWriter {
  /// Replays one configuration and records it as a run.
  ///
  /// - Parameter describe: fills in what is the user's to say.
  /// - Returns: the run's id.
  /// - Throws: `ConfigurationError` where a loss is missing, `RunStoreError`; nothing is recorded then.
  func record(
    _ replay: Replay, _ configuration: Configuration, workers: WorkerPool,
    describe: (inout RunHeader) -> Void
  ) throws -> String {
    let (clock, cpu) = (ContinuousClock.now, ProcessUsage.current.cpuSeconds)
    let predictions = try replay.predictions(configuration, workers: workers)
    var header = try replay.header(configuration, id: ULID.make())
    describe(&header)
    (header.threads, header.batch) = (workers.count, 1)
    header.arguments = CommandLine.arguments
    (header.blas, header.instructionSet) = ("none", compiledInstructionSet)
    let usage = ProcessUsage.current
    try record(
      header, predictions,
      RunEnding(
        status: .finished, wallSeconds: (ContinuousClock.now - clock) / .seconds(1),
        cpuSeconds: usage.cpuSeconds - cpu, peakMemory: usage.peakMemory))
    return header.id
  }
}
