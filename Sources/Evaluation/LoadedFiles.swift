import Basics
import Classifiers
import Datasets
import Engines
import Networks
import Records
import Synchronization
import TensorCore

/// What several runs of one process read from files, each once.
package final class LoadedFiles: Sendable {
  private let values = Mutex<[String: any Sendable]>([:])
  private let watch: WorkWatch

  /// Nothing yet.
  ///
  /// - Parameter watch: is told what is waited for.
  package init(watch: WorkWatch = .none) { self.watch = watch }

  /// The value of a key, made the first time that it is asked for.
  ///
  /// - Parameter key: names what is made, and how: for equal keys `make` gives equal values.
  func once<T: Sendable>(_ key: String, _ make: () throws -> T) rethrows -> T {
    if let value = values.withLock({ $0[key] }) as? T { return value }
    let value = try make()
    values.withLock { $0[key] = value }
    return value
  }

  /// A split of the dataset that a request names.
  ///
  /// - Throws: what reading it throws.
  package func dataset(_ request: RunRequest, split: String) throws -> Dataset {
    try once("dataset \(request.dataset) \(split) \(request.data ?? "")") {
      try DatasetCatalog.load(request.dataset, split: split, directory: request.data)
    }
  }

  package func denoiser(
    _ name: String, _ precision: Precision
  ) throws -> (any Denoiser, ModelRecord) {
    try once("denoiser \(name) \(precision)") {
      let checkpoint = try Checkpoint(path: try ShippedModels.path(of: name))
      return (try checkpoint.makeDenoiser(precision: precision), try checkpoint.record(name: name))
    }
  }

  /// The engine that a command starts; for as long as these files are kept.
  package func engine(_ command: String, following workers: WorkerPool) throws -> EngineClient {
    try once("engine \(command)") { try EngineClient(command, following: workers, watch: watch) }
  }

  func classifier(_ name: String, _ precision: Precision) throws -> (ResNet, ModelRecord) {
    try once("classifier \(name) \(precision)") {
      let checkpoint = try Checkpoint(path: try ShippedModels.path(of: name))
      return (try checkpoint.makeResNet(precision: precision), try checkpoint.record(name: name))
    }
  }

  /// The images that a request selects of its dataset, those of its shard.
  ///
  /// - Throws: `ElbowError` where the split has fewer, or none are left.
  package func inputs(_ request: RunRequest, of dataset: Dataset) throws -> [InputRecord] {
    try once(
      "inputs \(request.images) \(request.shard?.spelling ?? "") of \(request.dataset) "
        + "\(request.split) \(request.data ?? "")"
    ) {
      let indices = try ImageSelection(request.images).indices(of: dataset.count)
      return try request.places(of: indices.count).map { dataset.inputRecord(at: indices[$0]) }
    }
  }
}
