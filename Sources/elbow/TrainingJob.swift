import Datasets
import Diffusion
import Foundation
import Records
import TensorCore
import Training

/// One training of a diffusion model: steps, validation, and the files that keep it.
struct TrainingJob {
  /// Steps in all.
  let steps: Int
  /// What is recorded of it.
  let header: TrainingHeader
  private let recipe: DiffusionRecipe
  private let identity: String
  private let model: String
  private let trainer: DiffusionTrainer
  private var examples: DiffusionExamples

  /// Seconds between two states on the disk, and between two progress lines.
  private static let (saving, showing) = (60.0, 10.0)

  /// Steps taken.
  var step: Int { trainer.state.optimizer.steps }
  private var statePath: String { model + ".state" }

  /// Begins, or goes on where `model`'s state is.
  ///
  /// - Throws: `ConfigurationError`, `TrainingError`, or what reading the files throws.
  init(
    _ recipe: DiffusionRecipe, dataset: Dataset, model: String, workers: WorkerPool
  ) throws {
    self.recipe = recipe
    self.model = model
    examples = DiffusionExamples(recipe, dataset: dataset)
    steps = recipe.steps(images: examples.count)
    let architecture = UNetArchitecture(
      resolution: dataset.shape.height, channels: dataset.shape.channels,
      classes: dataset.classNames.count, width: recipe.width, multipliers: recipe.multipliers,
      blocks: recipe.blocks, attentionResolutions: recipe.attentionResolutions)
    if let problem = architecture.problem {
      throw ConfigurationError("the recipe's network \(problem)")
    }
    let checkpoint = try recipe.initial.map { try Checkpoint(path: ShippedModels.path(of: $0)) }
    if let checkpoint, checkpoint.architecture != architecture {
      throw ConfigurationError(
        "'init: \(recipe.initial ?? "")' has another architecture than the recipe; make width, "
          + "multipliers, blocks and attention_resolutions its own")
    }
    let start =
      try checkpoint.map { checkpoint in
        try ParameterVector(architecture) { name, _ in try checkpoint.file.floats(name) }
      } ?? .random(architecture, seed: recipe.seed)
    identity =
      JSONValue.object([
        "recipe": try JSONValue(encoding: recipe), "data": .string(dataset.sha256),
        "init": checkpoint.map { .string($0.sha256) } ?? .null,
      ]).canonical
    let files = FileManager.default
    if files.fileExists(atPath: model + ".state") {
      trainer = try DiffusionTrainer(
        TrainingState(
          path: model + ".state", identity: identity, start: start,
          weightDecay: recipe.weightDecay), workers: workers)
    } else {
      guard !files.fileExists(atPath: model) else {
        throw ConfigurationError("\(model) exists; name another file with --out, or remove it")
      }
      trainer = try DiffusionTrainer(
        TrainingState(start, weightDecay: recipe.weightDecay), workers: workers)
    }
    header = TrainingHeader(
      id: trainer.state.id, kind: "diffusion", recipe: try JSONValue(encoding: recipe).canonical,
      dataset: dataset.name, datasetSHA256: dataset.sha256, initialSHA256: checkpoint?.sha256,
      steps: steps, firstStep: trainer.state.optimizer.steps, modelPath: model,
      threads: workers.count, blas: "\(BLAS.version) \(BLAS.kernel)",
      instructionSet: compiledInstructionSet, arguments: CommandLine.arguments)
  }

  /// Takes all steps that are left and writes the model.
  ///
  /// Measurements are reported before the state that has seen them is written.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled, the state being written;
  ///   `TrainingError` where the training diverges: the last good state stays on the disk.
  mutating func run(report: ([TrainingMetric]) throws -> Void) throws {
    let (began, first) = (Date(), step)
    var (saved, shown) = (began, began)
    var measured: [TrainingMetric] = []
    func save() throws {
      try report(measured)
      measured = []
      try trainer.state.write(to: statePath, identity: identity)
    }
    try save()
    do {
      while step < steps {
        let rate = recipe.rate(at: step, of: steps)
        let done = try trainer.step(
          examples.batch(at: step), rate: rate, decay: recipe.decay(at: step), clip: recipe.clip)
        for (name, value) in [
          ("loss", done.loss), ("gradient_norm", done.gradientNorm), ("learning_rate", rate),
        ] {
          measured.append(TrainingMetric(step: step, name: name, value: value))
        }
        if step == steps || step % stepsAnEpoch == 0 {
          let loss = try trainer.averageLoss(examples.validation)
          measured.append(TrainingMetric(step: step, name: "validation_loss", value: loss))
        }
        let now = Date()
        if now.timeIntervalSince(shown) > Self.showing || step == steps {
          show(measured, rate: Double(step - first) / now.timeIntervalSince(began))
          try report(measured)
          (shown, measured) = (now, [])
        }
        if now.timeIntervalSince(saved) > Self.saving || step == steps {
          try save()
          saved = now
        }
      }
    } catch is CancellationError {
      try save()
      throw CancellationError()
    } catch let error as TrainingError {
      try report(measured)
      throw TrainingError(error, step: step, kept: statePath)
    }
    try trainer.average.write(
      to: model, metadata: ["training": identity, "steps": String(steps)])
    try FileManager.default.removeItem(atPath: statePath)
  }

  private var stepsAnEpoch: Int { max(1, examples.count / recipe.batch) }

  private func show(_ measured: [TrainingMetric], rate: Double) {
    func values(_ name: String) -> [Double] {
      measured.filter { $0.name == name }.map(\.value)
    }
    let losses = values("loss")
    var line = "step \(step)/\(steps)  loss "
    line += String(format: "%.5f", losses.reduce(0, +) / Double(max(losses.count, 1)))
    line += String(format: "  gradient %.3f", values("gradient_norm").last ?? 0)
    if let loss = values("validation_loss").last {
      line += String(format: "  validation loss %.5f", loss)
    }
    line += String(format: "  %.0f images/s", rate * Double(recipe.batch))
    Output.error(line + "  \(Progress.clock(Double(steps - step) / rate)) left")
  }
}
