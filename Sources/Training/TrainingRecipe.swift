import Basics
import Datasets
import Foundation
import Networks
import Records
import TensorCore

/// How a network is trained: with the images, it decides the weights to the last bit.
///
/// One kind of training is a recipe, its examples and its trainer; the loop around them, with its
/// schedule, states, measurements and endings, is the same for all.
public protocol TrainingRecipe: Codable, Hashable, Sendable {
  /// What a batch is made of.
  associatedtype Examples: TrainingExamples
  /// What learns from it.
  associatedtype Learner: Trainer where Learner.Example == Examples.Example

  /// What is trained, as `diffusion`.
  static var kind: String { get }
  /// Keys as files spell them.
  static var keys: [String] { get }
  /// Dataset whose `train` split is learnt.
  var dataset: String { get }
  /// Shipped model or file of the same architecture to start from; nil: random weights.
  var initial: String? { get }
  /// Passes through the training images.
  var epochs: Double { get }
  /// Images a step.
  var batch: Int { get }
  /// Highest learning rate.
  var rate: Double { get }
  /// Steps over which the rate rises from 0; then it falls to 0 as a cosine.
  var warmupSteps: Int { get }
  /// λ of AdamW.
  var weightDecay: Double { get }
  /// Longest gradient, ‖g‖₂; longer ones are scaled down.
  var clip: Double { get }
  /// Decay of the moving average a step; less in the first steps, (1 + t)/(10 + t).
  var averageDecay: Double { get }
  /// Whether half of the images are mirrored.
  var flip: Bool { get }
  /// Largest shift in either direction, pixels.
  var shift: Int { get }
  /// Whether what shifts move out at one end comes back at the other, as suits outlines, which begin
  /// anywhere; nil: no.
  var wrap: Bool? { get }
  /// Images kept from training, at the split's end, to validate on.
  var heldOut: Int { get }
  /// Seed of weights, order, noise and augmentation.
  var seed: UInt64 { get }
  /// What the networks' products are rounded to; nil: fp32.
  var precision: Precision? { get }
  /// Checkpoints that the training depends on beside its images, by key; what they hold is part of
  /// the training's identity.
  var checkpoints: [String: String?] { get }

  /// The defaults.
  init()
  /// What makes the recipe impossible, nil where it is sound.
  func problem(images: Int) -> String?
  /// The network for images of `dataset`.
  func architecture(for dataset: Dataset) -> any NetworkArchitecture
  /// The weights to begin from.
  ///
  /// - Parameter initial: the checkpoint `init`.
  /// - Throws: `ElbowError` where it does not fit, what reading it throws.
  func start(
    _ architecture: any NetworkArchitecture, from initial: Checkpoint?
  ) throws -> ParameterVector
  /// The examples over `dataset`.
  func makeExamples(_ dataset: Dataset) -> Examples
  /// The trainer that goes on from `state`.
  ///
  /// - Throws: what reading checkpoints and building networks throws.
  func makeTrainer(_ state: TrainingState, workers: WorkerPool) throws -> Learner
}

extension TrainingRecipe {
  public var checkpoints: [String: String?] { ["init": initial] }
  public var wrap: Bool? { nil }
  public var precision: Precision? { nil }

  public func start(
    _ architecture: any NetworkArchitecture, from initial: Checkpoint?
  ) throws -> ParameterVector {
    try startAsIs(architecture, from: initial)
  }

  /// The weights of a checkpoint of the same architecture; without one, random weights.
  func startAsIs(
    _ architecture: any NetworkArchitecture, from initial: Checkpoint?
  ) throws -> ParameterVector {
    guard let initial else { return .random(architecture, seed: seed) }
    guard try initial.architecture.json == architecture.json else {
      throw ElbowError(
        .malformed,
        "'init: \(self.initial ?? "")' has another architecture than the recipe; give the recipe "
          + "the sizes that 'elbow model inspect' shows")
    }
    return try ParameterVector(architecture) { name, _ in try initial.file.floats(name) }
  }

  /// The first of the values that is out of its range, those that all recipes have included.
  func problem(
    images: Int, _ own: [(key: String, value: Double, range: ClosedRange<Double>)]
  ) -> String? {
    guard images >= 2 else {
      return "'dataset' has \(images) images to train on, expected at least 2: one is held out"
    }
    let ranges: [(key: String, value: Double, range: ClosedRange<Double>)] = [
      ("epochs", epochs, 1e-6...1e6), ("batch", Double(batch), 1...100_000),
      ("rate", rate, 1e-12...10), ("warmup_steps", Double(warmupSteps), 0...1e9),
      ("weight_decay", weightDecay, 0...1), ("clip", clip, 1e-12...1e12),
      ("ema", averageDecay, 0...(1 - 1e-9)), ("shift", Double(shift), 0...(wrap == true ? 256 : 8)),
      ("held_out", Double(heldOut), 1...Double(images - 1)),
    ]
    return (ranges + own).first { !$0.range.contains($0.value) }.map { key, value, range in
      "'\(key)' must be in \(range.lowerBound)…\(range.upperBound), got \(value)"
    }
  }

  /// Steps in all, for `images` images to learn from.
  public func steps(images: Int) -> Int {
    max(1, Int(nearest: (epochs * Double(images) / Double(batch)).rounded()))
  }

  /// The learning rate of a step, from 0: linear warm-up, then a cosine to 0.
  public func rate(at step: Int, of steps: Int) -> Double {
    if step < warmupSteps { return rate * Double(step + 1) / Double(warmupSteps) }
    let share = Double(step - warmupSteps) / Double(max(steps - warmupSteps, 1))
    return rate * 0.5 * (1 + cos(Double.pi * share))
  }

  /// The moving average's decay at a step, from 0.
  public func decay(at step: Int) -> Double {
    min(averageDecay, Double(1 + step) / Double(10 + step))
  }
}
