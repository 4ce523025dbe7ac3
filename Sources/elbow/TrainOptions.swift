import ArgumentParser
import Datasets
import Diffusion
import Evaluation
import Foundation
import Records
import RunStore
import TensorCore
import Training
import Yams

/// Flags of every training.
struct TrainOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .customLong("config")],
    help: ArgumentHelp("YAML file of the recipe.", valueName: "file"))
  var config: String
  @Option(help: ArgumentHelp("Where the model goes.", valueName: "file"))
  var out: String
  @Option(help: ArgumentHelp("Folder of the dataset's files.", valueName: "dir"))
  var data: String?
  @OptionGroup var database: DatabaseOption
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: ArgumentHelp("Stop after this time, as 90s, 30m or 2h; the state is kept."))
  var budget: String?

  func validate() throws {
    guard (1...1024).contains(threads ?? 1) else {
      throw ValidationError("--threads must be 1 to 1024")
    }
  }

  /// Trains what the recipe of this kind says, and records it.
  ///
  /// - Throws: `ConfigurationError`, `TrainingError`, what files and database throw, and `ExitCode`
  ///   where the training was interrupted.
  func train<Recipe: TrainingRecipe>(_ kind: Recipe.Type) throws {
    let recipe: Recipe = try Self.recipe(config)
    let seconds = try budget.map(RunCommand.seconds)
    let dataset = try DatasetCatalog.load(recipe.dataset, split: "train", directory: data)
    if let problem = recipe.problem(images: dataset.count) {
      throw ConfigurationError("\(config): \(problem)")
    }
    let workers = WorkerPool(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    var job = try TrainingJob(recipe, dataset: dataset, model: out, workers: workers)
    let store = try RunStore(database.path, for: .write)
    defer { store.close() }
    let writer = try TrainingWriter(store, job.header)
    let interruption = Interruption(workers, budget: seconds)
    let (clock, cpu) = (Date(), ProcessUsage.current.cpuSeconds)
    func finish(_ status: RunEnding.Status, error: String? = nil, model: String? = nil) throws {
      let usage = ProcessUsage.current
      try writer.finish(
        RunEnding(
          status: status, error: error, wallSeconds: Date().timeIntervalSince(clock),
          cpuSeconds: usage.cpuSeconds - cpu, peakMemory: usage.peakMemory), model: model)
    }
    do {
      try job.run(report: writer.log)
    } catch is CancellationError {
      try finish(.interrupted)
      Output.error(
        "elbow: \(interruption.isOutOfTime ? "time is up" : "interrupted") at step "
          + "\(job.step) of \(job.steps); the same command goes on")
      throw ExitCode(interruption.isOutOfTime ? 0 : 130)
    } catch {
      try? finish(.failed, error: "\(error)")
      throw error
    }
    try finish(.finished, model: Checkpoint(path: out).sha256)
    try Output.write("\(out)\n")
  }

  private static func recipe<Recipe: TrainingRecipe>(_ file: String) throws -> Recipe {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw ConfigurationError("\(file): cannot be read; -c takes a YAML file of a recipe")
    }
    let known = Recipe.keys
    do {
      for key in try Yams.compose(yaml: text)?.mapping?.keys.compactMap(\.string) ?? []
      where !known.contains(key) {
        throw ConfigurationError("\(file): no key '\(key)'\(didYouMean(key, among: known))")
      }
      return text.allSatisfy(\.isWhitespace)
        ? Recipe() : try YAMLDecoder().decode(Recipe.self, from: text)
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError("\(file): is no recipe: \(error)")
    }
  }
}
