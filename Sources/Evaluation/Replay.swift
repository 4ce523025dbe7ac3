import Basics
import Classifiers
import Foundation
import Networks
import Records
import Synchronization
import TensorCore

/// Strategies and weights on the losses that a run recorded: the live code without a network.
///
/// A replay answers, image by image, what a live run of the same configuration and seed on the same
/// images answers, and counts the evaluations that it would have made. Images of an attack are the
/// ones recorded: a live attack on another configuration would have made others.
package struct Replay: Sendable {
  /// The run whose losses are replayed.
  package let source: RunHeader
  let predictions: [Prediction]
  /// What the run itself answered.
  package var recorded: [Prediction] { predictions }
  private let shape: ImageShape
  /// Timesteps that the source asked of every class, rising; empty where images differ.
  private let timesteps: [Int]
  /// Whether one evaluation of the source's network answers for all classes.
  private let sharesEvaluations: Bool
  /// What moving the image took, by image: it comes before every strategy.
  private var purification: [Int]

  /// Images that a worker takes at once.
  private static let chunk = 64

  /// Prepares the losses of a run.
  ///
  /// - Parameters:
  ///   - source: the run's header; its inputs as they were classified, adversarial ones included.
  ///   - predictions: its predictions with their losses.
  /// - Throws: `ElbowError` where losses are missing.
  package init(_ source: RunHeader, _ predictions: [Prediction], workers: WorkerPool) throws {
    guard source.configuration.classifier.weighsLosses else {
      throw ElbowError(
        .malformed,
        "run \(source.id) is of \(source.configuration.classifier.rawValue), which weighs no losses; "
          + "replay a diffusion classifier's")
    }
    let bare = predictions.filter { $0.losses == nil }
    guard source.recordsLosses else {
      throw ElbowError(
        .malformed,
        "run \(source.id) recorded no losses (`no-losses`); replay one that did")
    }
    if let first = bare.first, source.inputs.indices.contains(first.position) {
      throw ElbowError(
        .malformed,
        "run \(source.id) has no losses of \(bare.count.counted("image")), the first of them "
          + "\(source.inputs[first.position].index); leave them out with `images`")
    }
    guard !predictions.isEmpty, predictions.count == source.inputs.count else {
      throw ElbowError(
        .malformed,
        "run \(source.id) has classified \(predictions.count) of its \(source.inputs.count) "
          + "images; resume it first")
    }
    self.source = source
    self.predictions = predictions
    shape = ImageShape(
      channels: source.imageShape[0], height: source.imageShape[1], width: source.imageShape[2])
    timesteps = source.timesteps.filter { $0.strategyWeight != nil }.map(\.index)
    sharesEvaluations = try ClassifierPlan(
      source.configuration, classCount: source.classNames.count, shape: shape,
      recorded: source.timesteps
    ).sharesEvaluations(isMultiHead: source.model.isMultiHead)
    purification = []
    if let damaged = predictions.first(where: { !isWhole($0.losses) }) {
      throw ElbowError(
        .malformed,
        "run \(source.id): the losses at position \(damaged.position) are damaged; restore a backup "
          + "of the database")
    }
    guard source.configuration.classifier.movesImages else { return }
    // A recorded cost is of both; the strategy's own is known from replaying it.
    let own = try replay(source.configuration, workers)
    purification = zip(predictions, own).map { $0.nfe - $1.nfe }
  }

  /// The source's configuration with another strategy and other weights; nil: the source's own.
  ///
  /// - Throws: `ElbowError`.
  package func configuration(strategy: String?, weights: String?) throws -> Configuration {
    var configuration = source.configuration
    configuration.strategy = strategy ?? configuration.strategy
    configuration.weights = weights ?? configuration.weights
    return try plan(configuration).configuration
  }

  /// The header of a replayed run, its descriptive fields empty.
  ///
  /// - Throws: `ElbowError`.
  package func header(_ configuration: Configuration, id: String) throws -> RunHeader {
    let plan = try plan(configuration)
    var header = RunHeader(
      id: id, configuration: plan.configuration, model: source.model, seed: source.seed,
      classNames: source.classNames, imageShape: source.imageShape, inputs: source.inputs,
      timesteps: plan.timestepRecords)
    header.timestepsAsked = plan.strategy.largestSubset(of: plan.grid.count)
    header.lmModel = source.lmModel
    header.replayOf = source.id
    header.inputsRun = source.attack == nil ? source.inputsRun : source.id
    header.recordsLosses = false
    return header
  }

  /// What a live run of `configuration` answers.
  ///
  /// - Throws: `ElbowError`, naming image and loss, where a loss was not recorded.
  package func predictions(
    _ configuration: Configuration, workers: WorkerPool
  ) throws -> [Prediction] {
    var replayed = try replay(configuration, workers)
    for i in purification.indices { replayed[i].nfe += purification[i] }
    return replayed
  }

  /// Whether every loss has its place in the grid.
  private func isWhole(_ record: LossRecord?) -> Bool {
    let classCount = source.classNames.count
    switch record {
    case nil: return false
    case .dense(let values):
      let perDraw = timesteps.count * classCount
      return perDraw > 0 && !values.isEmpty && values.count.isMultiple(of: perDraw)
    case .sparse(let losses):
      return losses.allSatisfy {
        (0..<source.configuration.draws).contains($0.draw)
          && source.timesteps.indices.contains($0.timestep)
          && (0..<classCount).contains($0.label)
      }
    }
  }

  private func plan(_ configuration: Configuration) throws -> ClassifierPlan {
    try ClassifierPlan(
      configuration, classCount: source.classNames.count, shape: shape, recorded: source.timesteps)
  }

  /// Answers without the evaluations of a purifier.
  private func replay(
    _ configuration: Configuration, _ workers: WorkerPool
  ) throws -> [Prediction] {
    let plan = try plan(configuration)
    let chunks = (predictions.count + Self.chunk - 1) / Self.chunk
    let finished = Mutex<[Int: [Prediction]]>([:])
    try workers.forEach(chunks) { chunk, _ in
      let range = chunk * Self.chunk..<min((chunk + 1) * Self.chunk, predictions.count)
      let answers = try predictions[range].map { try replay($0, plan) }
      finished.withLock { $0[chunk] = answers }
    }
    return finished.withLock { answers in (0..<chunks).flatMap { answers[$0] ?? [] } }
  }

  private func replay(_ recorded: Prediction, _ plan: ClassifierPlan) throws -> Prediction {
    let input = source.inputs[recorded.position]
    let losses = losses(of: recorded)
    let answer = try naming(recorded, plan.configuration.strategy) {
      try plan.answer(
        asking: losses,
        key: ImageKey(dataset: input.dataset, split: input.split, index: input.index),
        stream: NoiseStream(seed: source.seed, owner: .defence), keepsLosses: false)
    }
    var prediction = Prediction(
      position: recorded.position, predicted: answer.predicted,
      correct: answer.predicted == input.label, evidence: answer.evidence,
      nfe: answer.cost.evaluations, gradients: recorded.gradients, seconds: 0)
    (prediction.movementMax, prediction.movementMean) =
      (recorded.movementMax, recorded.movementMean)
    return prediction
  }

  /// The losses recorded of one image.
  func losses(of recorded: Prediction) -> RecordedLossSource {
    guard let losses = recorded.losses else {
      preconditionFailure("the initializer checks that every prediction has its losses")
    }
    return RecordedLossSource(
      losses, timesteps: timesteps, classCount: source.classNames.count,
      sharesEvaluations: sharesEvaluations)
  }

  /// What `body` returns; a loss that it misses is named with its image.
  func naming<T>(
    _ recorded: Prediction, _ strategy: String = "learning", _ body: () throws -> T
  ) throws -> T {
    do {
      return try body()
    } catch let missing as MissingLoss {
      let input = source.inputs[recorded.position]
      throw ElbowError(
        .malformed,
        "\(strategy) on run \(source.id), image \(input.index) of \(input.dataset) \(input.split): "
          + "\(missing)")
    }
  }
}
