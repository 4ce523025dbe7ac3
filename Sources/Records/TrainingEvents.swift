import Basics

/// A training as it is recorded when it begins or goes on.
public struct TrainingHeader: Sendable {
  /// ULID.
  public var id: String
  /// What is trained, as `diffusion`.
  public var kind: String
  /// Canonical JSON.
  public var recipe: String
  /// Dataset's name.
  public var dataset: String
  /// SHA-256 of its labels and pixels.
  public var datasetSHA256: String
  /// SHA-256 of the checkpoint begun from; nil: random weights.
  public var initialSHA256: String?
  /// Steps in all.
  public var steps: Int
  /// Steps taken before this process.
  public var firstStep: Int
  /// Where the model goes.
  public var modelPath: String
  /// Worker threads.
  public var threads: Int
  /// BLAS with its kernel.
  public var blas: String
  /// Instruction set that the numeric code was compiled for.
  public var instructionSet: String
  /// The command.
  public var arguments: [String]

  /// The header as given.
  public init(
    id: String, kind: String, recipe: String, dataset: String, datasetSHA256: String,
    initialSHA256: String?, steps: Int, firstStep: Int, modelPath: String, threads: Int,
    blas: String, instructionSet: String, arguments: [String]
  ) {
    (self.id, self.kind, self.recipe, self.dataset) = (id, kind, recipe, dataset)
    (self.datasetSHA256, self.initialSHA256) = (datasetSHA256, initialSHA256)
    (self.steps, self.firstStep, self.modelPath) = (steps, firstStep, modelPath)
    (self.threads, self.blas, self.instructionSet) = (threads, blas, instructionSet)
    self.arguments = arguments
  }
}

/// One measurement of a training.
public struct TrainingMetric: Hashable, Sendable {
  /// Steps taken when it was measured.
  public var step: Int
  /// As `loss`.
  public var name: String
  /// Finite.
  public var value: Double

  /// The measurement as given.
  public init(step: Int, name: String, value: Double) {
    precondition(value.isFinite, "metric \(name) is \(value) at step \(step)")
    self.step = step
    self.name = name
    self.value = value
  }
}
