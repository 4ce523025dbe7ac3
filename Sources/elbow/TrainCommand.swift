import ArgumentParser
import Basics
import Datasets
import Evaluation
import Foundation
import Networks
import Records
import RunStore
import TensorCore
import Training

/// Trains networks.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train networks from a recipe.",
    discussion: """
      EXAMPLE:
        elbow train diffusion -c diffusion.yaml --out small.safetensors
      """,
    subcommands: [Diffusion.self, MultiHead.self, Classifier.self])

  /// What every subcommand says of its files.
  private static func discussion<R: TrainingRecipe>(_ recipe: R.Type, _ name: String) -> String {
    """
    The state is kept beside the model, in MODEL.state, at most a minute old: the same command goes \
    on from there after any interruption, and ends with the same weights, bit for bit, as an \
    undisturbed training, on any number of threads. 'elbow query trainings' lists what is recorded, \
    'elbow query training-metrics' the measurements of every step.

    Keys of the recipe: \(R.keys.joined(separator: ", ")).

    EXAMPLE:
      elbow train \(name) -c \(name).yaml --out model.safetensors
    """
  }

  /// Trains a class-conditional and unconditional diffusion model.
  struct Diffusion: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train a diffusion model on the EDM loss.",
      discussion: discussion(DiffusionRecipe.self, "diffusion"))

    @OptionGroup var options: TrainOptions

    func run() throws { try options.train(DiffusionRecipe.self) }
  }

  /// Distils a class-conditional diffusion model into a multi-head one.
  struct MultiHead: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "multi-head",
      abstract: "Distil a diffusion model into one that denoises for all classes at once.",
      discussion: discussion(MultiHeadRecipe.self, "multi-head"))

    @OptionGroup var options: TrainOptions

    func run() throws { try options.train(MultiHeadRecipe.self) }
  }

  /// Trains a ResNet on clean or attacked images.
  struct Classifier: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train a ResNet classifier on clean or attacked images.",
      discussion: discussion(ClassifierRecipe.self, "classifier"))

    @OptionGroup var options: TrainOptions

    func run() throws { try options.train(ClassifierRecipe.self) }
  }
}
