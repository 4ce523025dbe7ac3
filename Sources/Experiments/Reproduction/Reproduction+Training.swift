import Basics
import Datasets
import Foundation
import Networks
import Records
import RunStore
import Training

extension Reproduction {
  /// Kinds of trainings.
  private static let kinds: [any TrainingRecipe.Type] = [
    DiffusionRecipe.self, MultiHeadRecipe.self, ClassifierRecipe.self,
  ]

  /// Trains a recorded training again, in a folder that is removed, and compares what was measured at
  /// every step, and the weights by their hash.
  ///
  /// - Parameters:
  ///   - training: finished.
  ///   - store: that it is recorded in.
  ///   - session: threads, and who watches.
  ///   - files: where the checkpoint begun from and the data are that are not where they were.
  /// - Throws: `ElbowError`, which lists what is missing; `CancellationError`.
  public init(
    of training: TrainingRecord, in store: RunStore, session: Session,
    files: ReplacedFiles = .init()
  ) throws {
    guard training.status == "finished", let model = training.modelSHA256 else {
      throw ElbowError(
        .conflict,
        "training \(training.id) is \(training.status); only what is finished can be "
          + "made again")
    }
    guard let kind = Self.kinds.first(where: { $0.kind == training.kind }) else {
      throw ElbowError(
        .newer, "training \(training.id) is of the kind \(training.kind), which this Elbow has not")
    }
    let made = try Self.again(kind, training, session, files)
    let values = Dictionary(
      made.metrics.map { (Key(step: $0.step, name: $0.name), $0.value) }, uniquingKeysWith: { $1 })
    var comparisons: [String: NumberComparison] = [:]
    for metric in training.metrics {
      let value = values[Key(step: metric.step, name: metric.name)]
      comparisons[metric.name, default: NumberComparison(metric.name)]
        .add([metric.value], [value], at: metric.step)
    }
    var weights = NumberComparison("weights (SHA-256)")
    weights.compared = 1
    weights.differing = made.model == model ? 0 : 1
    self.init(
      run: training.id, images: 0,
      comparisons: comparisons.values.sorted { $0.what < $1.what } + [weights],
      circumstances: try store.circumstances(
        of: training.id, now: session.environment(precision: made.precision)))
  }

  private struct Key: Hashable {
    let step: Int
    let name: String
  }

  private static func again<Recipe: TrainingRecipe>(
    _ kind: Recipe.Type, _ training: TrainingRecord, _ session: Session, _ files: ReplacedFiles
  ) throws -> (metrics: [TrainingMetric], model: String, precision: Precision) {
    let recipe = try recipe(kind, training, files)
    let dataset = try DatasetCatalog.load(
      recipe.dataset, split: "train", directory: files.folder(nil))
    guard dataset.sha256 == training.datasetSHA256 else {
      throw ElbowError(
        .missing,
        "training \(training.id) cannot be made again: its images (SHA-256 "
          + "\(training.datasetSHA256)) are not here; name their folder with `data`")
    }
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "elbow-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "model.safetensors").path(percentEncoded: false)
    var job = try TrainingJob(recipe, dataset: dataset, model: path, workers: session.workers)
    var metrics: [TrainingMetric] = []
    try job.run(watch: session.watch) { metrics += $0 }
    return (metrics, try Checkpoint(path: path).sha256, recipe.precision ?? .fp32)
  }

  /// The recipe that was recorded, with the checkpoint that it begins from where that is now.
  private static func recipe<Recipe: TrainingRecipe>(
    _ kind: Recipe.Type, _ training: TrainingRecord, _ files: ReplacedFiles
  ) throws -> Recipe {
    let data = Data(training.recipe.utf8)
    let recorded = try JSONDecoder().decode(Recipe.self, from: data)
    guard let name = recorded.initial, let hash = training.initialSHA256 else { return recorded }
    guard let found = files.model(hash, named: name) else {
      throw ElbowError(
        .missing,
        "training \(training.id) cannot be made again: the checkpoint that it began from, \(name) "
          + "(SHA-256 of its tensors \(hash)), is not here; name its file with `model`")
    }
    guard found != name,
      case .object(var fields) = try JSONDecoder().decode(
        JSONValue.self, from: data)
    else { return recorded }
    fields["init"] = .string(found)
    return try JSONDecoder().decode(
      Recipe.self, from: Data(JSONValue.object(fields).canonical.utf8))
  }
}
