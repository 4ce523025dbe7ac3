import Basics
import Datasets
import Evaluation
import Foundation
import Networks
import Records
import RunStore
import Training
import Yams

/// A training from its recipe to what is recorded of it.
public struct RecordedTraining<Recipe: TrainingRecipe> {
  /// What is trained, and how.
  public let recipe: Recipe
  /// Where the model goes; its state lies beside it while the training goes on.
  public let model: String
  /// Folder of the dataset's files; nil for the usual places.
  public let data: String?

  /// A training of a recipe.
  public init(_ recipe: Recipe, model: String, data: String? = nil) {
    (self.recipe, self.model, self.data) = (recipe, model, data)
  }

  /// How this process's part of a training ended.
  public struct Outcome: Sendable {
    /// Whether the model is there.
    public let isFinished: Bool
    /// Steps taken.
    public let step: Int
    /// Steps in all.
    public let steps: Int
  }

  /// Trains, or goes on where the state beside the model stands, and records it.
  ///
  /// - Parameters:
  ///   - session: threads, and who watches.
  ///   - store: opened by `store`, once the recipe is known to be right.
  /// - Throws: `ElbowError` for a recipe that cannot be trained, and where the training diverges.
  public func run(in session: Session, into store: () throws -> RunStore) throws -> Outcome {
    let dataset = try DatasetCatalog.load(recipe.dataset, split: "train", directory: data)
    if let problem = recipe.problem(images: dataset.count) {
      throw ElbowError(.malformed, problem)
    }
    var job = try TrainingJob(
      recipe, dataset: dataset, model: model, workers: session.workers,
      arguments: session.arguments)
    let writer = try TrainingWriter(store(), job.header)
    let (start, cpu) = (ContinuousClock.now, ProcessUsage.current.cpuSeconds)
    func finish(_ status: RunEnding.Status, error: String? = nil, model: String? = nil) throws {
      let usage = ProcessUsage.current
      try writer.finish(
        RunEnding(
          status: status, error: error, wallSeconds: (ContinuousClock.now - start).seconds,
          cpuSeconds: usage.cpuSeconds - cpu, peakMemory: usage.peakMemory), model: model)
    }
    do {
      try job.run(watch: session.watch, report: writer.log)
    } catch is CancellationError {
      try finish(.interrupted)
      return Outcome(isFinished: false, step: job.step, steps: job.steps)
    } catch {
      try? finish(.failed, error: "\(error)")
      throw error
    }
    try finish(.finished, model: Checkpoint(path: model).sha256)
    return Outcome(isFinished: true, step: job.step, steps: job.steps)
  }
}

extension TrainingRecipe {
  /// The recipe of a YAML file; an empty one is the default.
  ///
  /// - Throws: `ElbowError` for a file that cannot be read, unknown keys, and values out of form.
  public init(file: String) throws {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw ElbowError(
        .unknownName, "\(file): cannot be read; a recipe is a YAML file, as 'epochs: 4'")
    }
    do {
      for key in try Yams.compose(yaml: text)?.mapping?.keys.compactMap(\.string) ?? []
      where !Self.keys.contains(key) {
        throw ElbowError(
          .unknownName, "\(file): no key '\(key)'\(didYouMean(key, among: Self.keys))")
      }
      self =
        text.allSatisfy(\.isWhitespace)
        ? Self() : try YAMLDecoder().decode(Self.self, from: text)
    } catch let error as ElbowError {
      throw error
    } catch let error as DecodingError {
      throw error.cause?.prefixed(file)
        ?? ElbowError(.malformed, "\(file): is no recipe: \(error.plainly)")
    } catch {
      throw ElbowError(.malformed, "\(file): is no recipe: \(error)")
    }
  }
}
