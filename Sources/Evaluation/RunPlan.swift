import Attacks
import Classifiers
import Datasets
import Diffusion
import Foundation
import Records
import TensorCore

/// A request resolved against its files: the classifier, ready to run.
public struct RunPlan: Sendable {
  /// The classifier.
  public let classifier: any ImageClassifier
  /// The configuration as it is recorded.
  public let configuration: Configuration
  /// The denoiser.
  public let model: ModelRecord
  /// The network of likelihood maximization, where it is another.
  public let lmModel: ModelRecord?
  /// The attack.
  public let attack: (any Attack)?
  /// The images' dataset.
  public let dataset: Dataset
  /// The grid as a run records it.
  public let timesteps: [TimestepRecord]
  /// Most timesteps that the strategy asks for any class.
  public let timestepsAsked: Int

  /// Loads what `request` names.
  ///
  /// - Throws: `ConfigurationError`, `CheckpointError`, `SafetensorsError` or `DatasetError`.
  public init(_ request: RunRequest, workers: WorkerPool) throws {
    var configuration = request.configuration
    let dataset = try DatasetCatalog.load(
      request.dataset, split: request.split, directory: request.data)
    self.dataset = dataset
    let kind = configuration.classifier
    let grid = try NoiseGrid(configuration.grid)

    if kind.maximizesLikelihood {
      configuration.lm = try request.lm.resolved(grid: grid)
    } else if !request.lm.isEmpty {
      throw ConfigurationError(
        "--lm and its parameters need a classifier that maximizes likelihood: --classifier rdc or "
          + "lm+optimal, not \(kind.rawValue)")
    } else {
      configuration.lm = nil
    }
    if request.lmModel != nil, !kind.maximizesLikelihood {
      throw ConfigurationError("--lm-model needs --classifier rdc or lm+optimal")
    }

    let denoiser: any Denoiser
    let network = kind.isOptimal ? nil : try LoadedModel(request.model, for: dataset)
    if let network {
      (denoiser, model) = (network.denoiser, network.record)
    } else {
      let training = try DatasetCatalog.load(
        request.dataset, split: "train", directory: request.data)
      denoiser = OptimalDenoiser(
        shape: training.shape, bytes: training.bytes, labels: training.labels,
        classCount: training.classNames.count)
      model = ModelRecord(
        sha256: training.sha256, name: "optimal (\(training.name) train)", dtype: "U8",
        parameters: training.bytes.count,
        architecture: JSONValue.object(["optimal": .string(training.name)]).canonical)
    }
    guard denoiser.classCount == 0 || denoiser.classCount == dataset.classNames.count else {
      throw ConfigurationError(
        "model \(request.model) has \(denoiser.classCount) classes, \(dataset.name) has "
          + "\(dataset.classNames.count); take a model trained on these classes")
    }
    configuration.model = model.sha256
    let pool = DenoiserPool(denoiser, workers: workers)
    let plan = try ClassifierPlan(
      configuration, classCount: denoiser.classCount, shape: dataset.shape)
    configuration = plan.configuration
    timesteps = plan.timestepRecords
    timestepsAsked = plan.strategy.largestSubset(of: plan.grid.count)
    let base = DiffusionClassifier(pool, plan: plan, recordsLosses: request.recordsLosses)

    if let parameters = configuration.lm {
      var maximizerPool = pool
      var record: ModelRecord?
      if kind.isOptimal || request.lmModel != nil {
        let other = try LoadedModel(request.lmModel ?? request.model, for: dataset)
        maximizerPool = DenoiserPool(other.denoiser, workers: workers)
        record = other.record
        configuration.lmModel = other.record.sha256
      }
      lmModel = record
      classifier = MaximizedClassifier(
        try LikelihoodMaximizer(maximizerPool, parameters: parameters, grid: grid), base)
    } else {
      lmModel = nil
      classifier = base
    }
    attack = try request.attack.map {
      try Attacks.make($0, classCount: dataset.classNames.count)
    }
    self.configuration = configuration
  }
}

/// A network with its record, checked against the images it is for.
private struct LoadedModel {
  let denoiser: EDMDenoiser
  let record: ModelRecord

  init(_ name: String, for dataset: Dataset) throws {
    let checkpoint = try Checkpoint(path: try ShippedModels.path(of: name))
    denoiser = try checkpoint.makeDenoiser()
    guard denoiser.shape == dataset.shape else {
      throw ConfigurationError(
        "model \(name) takes images of \(denoiser.shape), \(dataset.name) has \(dataset.shape); "
          + "take another --model or --dataset")
    }
    record = try checkpoint.record(name: name)
  }
}
