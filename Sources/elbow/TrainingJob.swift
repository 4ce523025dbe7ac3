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
      try trainer.state.write(to: model + ".state", identity: identity)
    }
  }

  /// Writes the state, replacing the last one at once.
  func save() throws { try trainer.state.write(to: statePath, identity: identity) }

  /// Takes all steps that are left and writes the model.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled, `TrainingError` where the
  ///   training diverges: the last good state stays on the disk.
  mutating func run() throws {
    let (began, first) = (Date(), step)
    var (saved, shown) = (began, began)
    var recent: (loss: Double, count: Int) = (0, 0)
    while step < steps {
      let done: DiffusionTrainer.Step
      do {
        done = try trainer.step(
          examples.batch(at: step), rate: recipe.rate(at: step, of: steps),
          decay: recipe.decay(at: step), clip: recipe.clip)
      } catch let error as TrainingError {
        throw TrainingError(error, step: step, kept: statePath)
      }
      recent = (recent.loss + done.loss, recent.count + 1)
      let now = Date()
      if now.timeIntervalSince(saved) > Self.saving {
        try save()
        saved = now
      }
      if now.timeIntervalSince(shown) > Self.showing || step == steps {
        let pace = Double(step - first) / now.timeIntervalSince(began)
        Output.error(
          "step \(step)/\(steps)  loss \(String(format: "%.5f", recent.loss / Double(recent.count)))"
            + "  gradient \(String(format: "%.3f", done.gradientNorm))"
            + "  \(String(format: "%.0f", pace * Double(recipe.batch))) images/s"
            + "  \(Progress.clock(Double(steps - step) / pace)) left")
        (shown, recent) = (now, (0, 0))
      }
    }
    let validation = try trainer.averageLoss(examples.validation)
    try trainer.average.write(
      to: model,
      metadata: [
        "training": identity, "validation_loss": String(validation), "steps": String(steps),
      ])
    try FileManager.default.removeItem(atPath: statePath)
    Output.error("validation loss \(String(format: "%.5f", validation))")
  }
}
