import Basics
import Datasets
import Foundation
import Networks
import Records
import TensorCore

/// One training: steps, validation, and the files that keep it.
package struct TrainingJob<Recipe: TrainingRecipe> {
  /// Steps in all.
  package let steps: Int
  /// What is recorded of it.
  package let header: TrainingHeader
  private let recipe: Recipe
  private let identity: String
  private let model: String
  private let trainer: Recipe.Learner
  private var examples: Recipe.Examples

  /// Seconds between two states on the disk, and between two progress lines.
  private static var times: (saving: Double, showing: Double) { (60, 10) }

  /// Steps taken.
  package var step: Int { trainer.state.optimizer.steps }
  private var statePath: String { model + ".state" }

  /// Begins, or goes on where `model`'s state is.
  ///
  /// - Throws: `ElbowError`, or what reading the files throws.
  package init(
    _ recipe: Recipe, dataset: Dataset, model: String, workers: WorkerPool,
    arguments: [String] = []
  ) throws {
    self.recipe = recipe
    self.model = model
    examples = recipe.makeExamples(dataset)
    steps = recipe.steps(images: examples.count)
    let architecture = recipe.architecture(for: dataset)
    if let problem = architecture.problem {
      throw ElbowError(.malformed, "the recipe's network \(problem)")
    }
    let checkpoints = try recipe.checkpoints.mapValues { name in
      try name.map { try Checkpoint(path: ShippedModels.path(of: $0)) }
    }
    let initial = checkpoints["init"] ?? nil
    let start = try recipe.start(architecture, from: initial)
    var parts = checkpoints.mapValues { $0.map { JSONValue.string($0.sha256) } ?? .null }
    parts["recipe"] = try JSONValue(encoding: recipe)
    parts["data"] = .string(dataset.sha256)
    identity = JSONValue.object(parts).canonical
    let files = FileManager.default
    let state: TrainingState
    if files.fileExists(atPath: model + ".state") {
      state = try TrainingState(
        path: model + ".state", identity: identity, start: start, weightDecay: recipe.weightDecay)
    } else {
      guard !files.fileExists(atPath: model) else {
        throw ElbowError(.malformed, "\(model) exists; name another file with `out`, or remove it")
      }
      state = TrainingState(start, weightDecay: recipe.weightDecay)
    }
    trainer = try recipe.makeTrainer(state, workers: workers)
    header = TrainingHeader(
      id: state.id, kind: Recipe.kind, recipe: try JSONValue(encoding: recipe).canonical,
      dataset: dataset.name, datasetSHA256: dataset.sha256, initialSHA256: initial?.sha256,
      steps: steps, firstStep: state.optimizer.steps, modelPath: model,
      threads: workers.count, blas: "\(BLAS.version) \(BLAS.kernel)",
      instructionSet: InstructionSet.name(with: recipe.precision ?? .fp32), arguments: arguments)
  }

  /// Takes all steps that are left and writes the model.
  ///
  /// Measurements are reported before the state that has seen them is written.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled, the state being written;
  ///   `ElbowError` where the training diverges: the last good state stays on the disk.
  package mutating func run(
    watch: WorkWatch = .none, report: ([TrainingMetric]) throws -> Void
  ) throws {
    let first = step
    var (saved, shown) = (Date(), Date())
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
          for (name, value) in try trainer.validate(examples.validation) {
            measured.append(TrainingMetric(step: step, name: name, value: value))
          }
        }
        let now = Date()
        if now.timeIntervalSince(shown) > Self.times.showing || step == steps {
          watch(progress(measured, since: first))
          try report(measured)
          (shown, measured) = (now, [])
        }
        if now.timeIntervalSince(saved) > Self.times.saving || step == steps {
          try save()
          saved = now
        }
      }
    } catch is CancellationError {
      try save()
      throw CancellationError()
    } catch let error as ElbowError where error.code == .diverged {
      try report(measured)
      throw ElbowError(
        error.code, "step \(step): \(error.message); \(statePath) holds the last good state")
    }
    try trainer.average.write(
      to: model, metadata: ["training": identity, "steps": String(steps)])
    try FileManager.default.removeItem(atPath: statePath)
  }

  private var stepsAnEpoch: Int { max(1, examples.count / recipe.batch) }

  private func progress(_ measured: [TrainingMetric], since first: Int) -> WorkUpdate {
    func values(_ name: String) -> [Double] {
      measured.filter { $0.name == name }.map(\.value)
    }
    let losses = values("loss")
    let mean = losses.reduce(0, +) / Double(max(losses.count, 1))
    var update = WorkUpdate(Recipe.kind, step, of: steps, "steps", before: first)
    update.remarks = [
      String(format: "loss %.5f", mean),
      String(format: "gradient %.3f", values("gradient_norm").last ?? 0),
    ]
    // Those of a validation stand together, where there was one.
    let last = measured.last { $0.name.hasPrefix("validation") }?.step
    for metric in measured where metric.step == last && metric.name.hasPrefix("validation") {
      update.remarks.append(
        metric.name.replacing("_", with: " ") + String(format: " %.5f", metric.value))
    }
    return update
  }
}
