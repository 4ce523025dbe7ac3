import Basics
import Evaluation
import Foundation
import Records
import RunStore
import TensorCore

/// A run with the losses that it recorded.
package struct RecordedLosses {
  /// Its inputs as they were classified, adversarial ones included.
  package let header: RunHeader
  package let predictions: [Prediction]

  /// Reads the run that `prefix` names.
  ///
  /// - Throws: what the store throws.
  package init(_ prefix: String, _ store: RunStore) throws {
    let recorded = try store.recordedRun(prefix)
    var header = try store.recordedHeader(recorded.id)
    header.inputs = recorded.finalInputs
    self.header = header
    predictions = try store.recordedPredictions(recorded.id)
  }

  /// A replay on the images that `isIncluded` lets through.
  ///
  /// - Throws: `ElbowError` where there are none, or losses are missing.
  package func replay(
    workers: WorkerPool, where isIncluded: (InputRecord) -> Bool
  ) throws -> Replay {
    guard predictions.count == header.inputs.count else {
      throw ElbowError(
        .malformed,
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
  /// - Returns: the run's id.
  /// - Throws: `ElbowError` where a loss is missing; nothing is recorded then.
  package func record(
    _ replay: Replay, _ configuration: Configuration, labels: RunLabels, in session: Session
  ) throws -> String {
    let (start, cpu) = (ContinuousClock.now, ProcessUsage.current.cpuSeconds)
    let predictions = try replay.predictions(configuration, workers: session.workers)
    var header = try replay.header(configuration, id: ULID.make())
    header.labels = labels
    header.environment = session.environment(batch: 1)
    header.environment.blas = "none"
    let usage = ProcessUsage.current
    try record(
      header, predictions,
      RunEnding(
        status: .finished, wallSeconds: (ContinuousClock.now - start).seconds,
        cpuSeconds: usage.cpuSeconds - cpu, peakMemory: usage.peakMemory))
    return header.id
  }
}
