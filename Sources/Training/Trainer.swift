import Basics

/// Learns from batches: what one kind of training computes.
///
/// Results depend on nothing but state and examples: not on the number of threads.
public protocol Trainer: AnyObject {
  /// What it learns from.
  associatedtype Example: Sendable
  /// A loss that no sound training has.
  static var divergedLoss: Double { get }
  /// Parameters, moving average and optimizer.
  var state: TrainingState { get set }
  /// The loss of a batch, and its gradient by `ParameterVector`'s order.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled.
  func gradient(_ batch: [Example]) throws -> (loss: Double, gradient: [Float])
  /// What the moving average is worth on held-out examples, by name; `validation_loss` among it.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled.
  func validate(_ examples: [Example]) throws -> [(name: String, value: Double)]
}

extension Trainer {
  /// The parameters.
  public var parameters: ParameterVector { state.parameters }
  /// Their exponential moving average.
  public var average: ParameterVector { state.average }

  /// One step of Adam on a batch.
  ///
  /// - Parameters:
  ///   - rate: learning rate.
  ///   - decay: of the moving average.
  ///   - clip: longest gradient, ‖g‖₂; a longer one is scaled down to it.
  /// - Throws: `ElbowError` where the loss is `divergedLoss` or more, or loss or gradient are not
  ///   finite, `CancellationError` where the workers are cancelled; nothing has changed then.
  @discardableResult
  public func step(
    _ batch: [Example], rate: Double, decay: Double, clip: Double = .infinity
  ) throws -> TrainingStep {
    var (loss, gradient) = try gradient(batch)
    let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard loss < Self.divergedLoss, norm.isFinite else {
      throw ElbowError(
        .diverged,
        "the training diverged: loss \(loss), gradient norm \(norm); lower 'rate' or 'clip'")
    }
    if norm > clip {
      let factor = Float(clip / norm)
      for i in gradient.indices { gradient[i] *= factor }
    }
    state.step(gradient, rate: rate, decay: decay)
    return TrainingStep(loss: loss, gradientNorm: norm)
  }
}
