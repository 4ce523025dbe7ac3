import Attacks
import Basics
import Classifiers
import Datasets
import Engines
import Foundation
import Networks
import Records
import TensorCore

/// A request resolved against its files: the classifier, ready to run.
package struct RunPlan: Sendable {
  /// The classifier.
  package let classifier: any ImageClassifier
  /// The configuration as it is recorded.
  package let configuration: Configuration
  /// The denoiser, or the network that classifies.
  package let model: ModelRecord
  /// The network that maximizes likelihood or purifies, where it is another.
  package let lmModel: ModelRecord?
  /// The attack.
  package let attack: Attacker?
  /// Draws on which an attacked image is classified again.
  let redraws: Int
  /// The process that computes the model; nil: this one does.
  package let engine: EngineClient?
  /// The threads that evaluate.
  package let workers: WorkerPool
  /// The images' dataset.
  package let dataset: Dataset
  /// The grid as a run records it; empty where no losses are asked for.
  package let timesteps: [TimestepRecord]
  /// Most timesteps that the strategy asks for any class; nil where no losses are asked for.
  package let timestepsAsked: Int?
  /// Which losses are weighed, and how; nil where none are.
  let weighing: ClassifierPlan?
  /// What moving an image before it is classified takes.
  let purification: Cost
  /// What carrying a gradient back through it takes.
  let passage: Cost

  /// Loads what `request` names.
  ///
  /// - Parameter files: what has been read already.
  /// - Throws: `ElbowError`, `ElbowError`, `ElbowError` or `ElbowError`.
  package init(
    _ request: RunRequest, workers: WorkerPool, files: LoadedFiles = LoadedFiles()
  ) throws {
    if let problem = BLAS.problem { throw ElbowError(.missing, problem) }
    var configuration = request.configuration
    let dataset = try files.dataset(request, split: request.split)
    self.dataset = dataset
    let kind = configuration.classifier
    // Of a classifier without noise levels, likelihood maximization takes the usual ones.
    let grid = try NoiseGrid(
      kind.weighsLosses ? configuration.grid : RunRequest().configuration.grid)

    try Self.check(request)
    guard configuration.precision == .fp32 || dataset.dimensions == 2 else {
      throw ElbowError(
        .malformed,
        "`precision` is of networks of images, and those of signals, as of \(dataset.name), compute in "
          + "Float32; leave it out")
    }
    configuration.lm = kind.maximizesLikelihood ? try request.lm.resolved(grid: grid) : nil
    configuration.purification = kind.purifies ? configuration.purification ?? .usual : nil
    let engine = try request.engine.map { try files.engine($0, following: workers) }
    self.engine = engine
    let workers = engine?.workers ?? workers
    self.workers = workers

    let base: any ImageClassifier
    var denoisers: DenoiserPool?
    if kind.weighsLosses {
      let denoiser: any Denoiser
      (denoiser, model) =
        if let engine {
          (try Self.served(engine, dataset), engine.hello.record)
        } else {
          try Self.denoiser(request, dataset, files)
        }
      guard denoiser.classCount == 0 || denoiser.classCount == dataset.classNames.count else {
        throw Self.wrongClasses(request, denoiser.classCount, dataset)
      }
      configuration.model = model.sha256
      let pool = DenoiserPool(denoiser, workers: workers)
      let plan = try ClassifierPlan(
        configuration, classCount: denoiser.classCount, shape: dataset.shape)
      weighing = plan
      if request.attack?.surrogate == .all, !plan.strategy.choosesByLosses {
        throw ElbowError(
          .malformed,
          "`surrogate` all needs a strategy that chooses losses, as halving, sift or racing; "
            + "\(plan.strategy.spelling) asks every class alike: leave `surrogate` out")
      }
      configuration = plan.configuration
      timesteps = plan.timestepRecords
      timestepsAsked = plan.strategy.largestSubset(of: plan.grid.count)
      base = DiffusionClassifier(pool, plan: plan, recordsLosses: request.recordsLosses)
      denoisers = kind.isOptimal ? nil : pool
    } else {
      let classes: Int
      if let engine {
        let served = try EngineClassifier(engine)
        (base, model, classes) = (served, engine.hello.record, served.classCount)
      } else {
        let (network, record) = try files.classifier(
          request.model, configuration.precision)
        (model, classes) = (record, network.architecture.classes)
        base = NetworkClassifier(network, workers: workers)
      }
      try Self.check(base.shape, model.name, dataset)
      guard classes == dataset.classNames.count else {
        throw Self.wrongClasses(request, classes, dataset)
      }
      configuration.model = model.sha256
      (timesteps, timestepsAsked, weighing) = ([], nil, nil)
    }

    let whole: any ImageClassifier
    if kind.movesImages {
      var record: ModelRecord?
      if denoisers == nil || request.lmModel != nil {
        let name = request.lmModel ?? (kind.isOptimal ? request.model : ShippedModels.standard)
        let other = try Self.network(name, configuration.precision, dataset, files)
        denoisers = DenoiserPool(other.denoiser, workers: workers)
        record = other.record
        configuration.lmModel = other.record.sha256
      }
      lmModel = record
      guard let denoisers else { preconditionFailure("nothing moves the image") }
      let purifier = try Self.purifier(configuration, denoisers, grid)
      purification = purifier.cost
      passage = purifier.pullbackCost(request.attack?.gradient ?? .bpda)
      whole = try Self.purified(base, by: purifier, request.attack)
    } else {
      lmModel = nil
      (purification, passage) = (Cost(), Cost())
      whole = base
    }
    classifier = configuration.smoothing.map { Self.smoothed(whole, $0) } ?? whole
    attack = try request.attack.map {
      try Attacks.make($0, classCount: dataset.classNames.count, shape: dataset.shape)
    }
    redraws = request.attack?.redraws ?? 0
    self.configuration = configuration
  }

  /// What the flags of likelihood maximization and purification need.
  private static func check(_ request: RunRequest) throws {
    let kind = request.configuration.classifier
    func need(
      _ what: String, where holds: (Configuration.Classifier) -> Bool, unless isLeftOut: Bool
    ) throws {
      guard !isLeftOut, !holds(kind) else { return }
      throw ElbowError(
        .malformed,
        "\(what) needs `classifier` \(Configuration.Classifier.names(where: holds)), not "
          + kind.rawValue)
    }
    try need(
      "`lm`, with its parameters,", where: \.maximizesLikelihood, unless: request.lm.isEmpty)
    try need(
      "`purify`", where: \.purifies, unless: request.configuration.purification == nil)
    try need("`lm-model`", where: \.movesImages, unless: request.lmModel == nil)
    guard request.configuration.precision == .fp32 || request.computesNetworks else {
      throw ElbowError(
        .malformed,
        "`precision` is of networks that this process computes, and here "
          + (request.engine == nil ? "there is none" : "an `engine` does") + "; leave it out")
    }
    let gradient = request.attack?.gradient ?? .bpda
    let unseen = AttackConfiguration.unseen
    try need(
      "the gradient \(gradient.rawValue), a way through what moves an image,", where: \.movesImages,
      unless: gradient == .bpda)
    try need(
      "`negligible`, below which a class is left out of a gradient,", where: \.weighsLosses,
      unless: (request.attack?.negligible ?? unseen) == unseen)
    try need(
      "`rivals`, classes that a look is at,", where: \.weighsLosses,
      unless: (request.attack?.rivals ?? 0) == 0)
    try need(
      "a `surrogate` of all losses", where: \.weighsLosses,
      unless: (request.attack?.surrogate ?? .chosen) == .chosen)
    let entry = request.attack.flatMap { Attacks.entry($0.name) }
    let likely = ([entry].compactMap(\.self) + (entry?.members ?? [])).first(where: \.needsLosses)
    try need(
      "the attack \(likely?.name ?? ""), which keeps images likely,", where: \.weighsLosses,
      unless: likely == nil)
    if !kind.weighsLosses, request.lm.variant == .l2 {
      throw ElbowError(
        .malformed,
        "`lm` l2 averages over the classifier's noise levels, and \(kind.rawValue) has none; take "
          + "`lm` paper or released")
    }
  }

  /// The denoiser whose losses are weighed, with its record.
  private static func denoiser(
    _ request: RunRequest, _ dataset: Dataset, _ files: LoadedFiles
  ) throws -> (any Denoiser, ModelRecord) {
    guard request.configuration.classifier.isOptimal else {
      return try network(request.model, request.configuration.precision, dataset, files)
    }
    let training = try files.dataset(request, split: "train")
    return try files.once("optimal \(request.dataset) \(request.data ?? "")") {
      let (shape, labels, classes) = (
        training.shape, training.labels, training.classNames.count
      )
      let denoiser =
        switch training.values {
        case .grey(let bytes):
          try OptimalDenoiser(shape: shape, bytes: bytes, labels: labels, classCount: classes)
        case .real(let values):
          try OptimalDenoiser(shape: shape, values: values, labels: labels, classCount: classes)
        }
      let record = ModelRecord(
        sha256: training.sha256, name: "optimal (\(training.name) train)",
        dtype: training.limits == nil ? "U8" : "F32", parameters: labels.count * shape.count,
        architecture: JSONValue.object(["optimal": .string(training.name)]).canonical)
      return (denoiser, record)
    }
  }

  /// The denoiser of an engine, checked against the images it is for.
  private static func served(
    _ engine: EngineClient, _ dataset: Dataset
  ) throws -> any Denoiser {
    let denoiser = try EngineDenoiser(engine)
    try check(denoiser.shape, engine.hello.name, dataset)
    return denoiser
  }

  /// A diffusion model with its record, checked against the images it is for.
  private static func network(
    _ name: String, _ precision: Precision, _ dataset: Dataset, _ files: LoadedFiles
  ) throws -> (denoiser: any Denoiser, record: ModelRecord) {
    let (denoiser, record) = try files.denoiser(name, precision)
    try check(denoiser.shape, name, dataset)
    return (denoiser, record)
  }

  private static func check(_ shape: ImageShape, _ name: String, _ dataset: Dataset) throws {
    guard shape == dataset.shape else {
      throw ElbowError(
        .malformed,
        "model \(name) takes images of \(shape), \(dataset.name) has \(dataset.shape); take "
          + "another `model` or `dataset`")
    }
  }

  private static func wrongClasses(
    _ request: RunRequest, _ count: Int, _ dataset: Dataset
  ) -> ElbowError {
    ElbowError(
      .malformed,
      "\(request.engine.map { "the engine '\($0)'" } ?? "model \(request.model)") has \(count.counted("class")), "
        + "\(dataset.name) has "
        + "\(dataset.classNames.count); take a model trained on these classes")
  }

  /// What moves an image before it is classified.
  private static func purifier(
    _ configuration: Configuration, _ denoisers: DenoiserPool, _ grid: NoiseGrid
  ) throws -> any Purifier {
    if let purification = configuration.purification {
      return try DiffusionPurifier(denoisers, purification)
    }
    guard let parameters = configuration.lm else {
      preconditionFailure("\(configuration.classifier.rawValue) has no purifier")
    }
    return try LikelihoodMaximizer(denoisers, parameters: parameters, grid: grid)
  }

  private static func purified(
    _ base: some ImageClassifier, by purifier: any Purifier, _ attack: AttackConfiguration?
  ) throws -> any ImageClassifier {
    try PurifiedClassifier(
      purifier, base, passage: attack?.gradient ?? .bpda, smoothing: attack?.smoothing ?? 1)
  }

  private static func smoothed(
    _ base: some ImageClassifier, _ smoothing: Smoothing
  ) -> any ImageClassifier {
    SmoothedClassifier(base, smoothing)
  }
}
