import Diffusion
import Synchronization
import TensorCore

/// Trains a denoiser by Adam on the EDM loss, and keeps the moving average of its parameters.
///
///     L = mean over images and pixels of λ(σ)·(D(x + σε; σ, y) − x)²,  λ(σ) = (σ² + σ_d²)/(σ·σ_d)²
///
/// The gradient is summed in fixed parts of the batch, so that results depend on nothing but the
/// examples: not on the number of threads.
///
/// **Source** Karras et al. 2022 (arXiv 2206.00364), section 5 and equation 8.
public final class DiffusionTrainer: Trainer {
  /// One image with its noise.
  public struct Example: Sendable {
    /// x, `[C·H·W]`, [−1, 1] units.
    public var image: [Float]
    /// Class, nil where it is dropped.
    public var label: Int?
    /// σ, > 0.
    public var sigma: Float
    /// ε, `[C·H·W]`.
    public var noise: [Float]

    fileprivate var query: EDMDenoiser.Query {
      EDMDenoiser.Query(image: image, noise: noise, sigma: sigma, label: label)
    }

    /// An example as given.
    public init(image: [Float], label: Int?, sigma: Float, noise: [Float]) {
      self.image = image
      self.label = label
      self.sigma = sigma
      self.noise = noise
    }
  }

  public var state: TrainingState
  private let workers: WorkerPool
  private let scratch: Scratch
  private let batchGradient = BatchGradient()

  /// A network that has learnt nothing, F = 0, has a loss of about 1 at every σ.
  public static let divergedLoss = 100.0

  /// Starts from `parameters`.
  ///
  /// - Throws: what building the network throws.
  public convenience init(_ parameters: ParameterVector, workers: WorkerPool) throws {
    try self.init(TrainingState(parameters), workers: workers)
  }

  /// Goes on from `state`.
  ///
  /// - Throws: what building the network throws.
  public init(_ state: TrainingState, workers: WorkerPool) throws {
    self.state = state
    self.workers = workers
    scratch = Scratch(workers.count, try state.parameters.makeDenoiser())
  }

  /// A session for each worker, who is alone with it.
  private final class Scratch: @unchecked Sendable {
    let sessions: [EDMDenoiser.Session]

    init(_ count: Int, _ denoiser: EDMDenoiser) {
      sessions = (0..<count).map { _ in EDMDenoiser.Session(denoiser) }
    }
  }

  public func gradient(_ batch: [Example]) throws -> (loss: Double, gradient: [Float]) {
    let denoiser = try parameters.makeDenoiser()
    let values = Double(batch.count * denoiser.shape.count)
    return try batchGradient.sum(
      batch.count, of: denoiser.network, parameters, workers: workers
    ) { [scratch] range, slot, gradients in
      let session = scratch.sessions[slot]
      session.use(denoiser)
      let queries = batch[range].map(\.query)
      var loss = 0.0
      session.accumulate(queries, into: gradients) { index, residual in
        let weight = Self.weight(
          queries[index].sigma, sigmaData: denoiser.network.architecture.sigmaData,
          scale: 1 / values)
        let factor = Float(2 * weight)
        var sum = 0.0
        for i in residual.indices {
          sum += Double(residual[i]) * Double(residual[i])
          residual[i] *= factor
        }
        loss += weight * sum
      }
      return loss
    }
  }

  public func validate(_ examples: [Example]) throws -> [(name: String, value: Double)] {
    [("validation_loss", try averageLoss(examples))]
  }

  /// The loss of the moving average on `examples`.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled.
  public func averageLoss(_ examples: [Example]) throws -> Double {
    precondition(!examples.isEmpty, "a loss needs an image")
    let denoiser = try average.makeDenoiser()
    let losses = Mutex([Double](repeating: 0, count: examples.count))
    let scale = 1 / Double(examples.count * denoiser.shape.count)
    try workers.forEach(examples.count) { [scratch] item, slot in
      let session = scratch.sessions[slot]
      session.use(denoiser)
      let query = examples[item].query
      session.evaluate([query]) { _, residual in
        var sum = 0.0
        for i in residual.indices { sum += Double(residual[i]) * Double(residual[i]) }
        let weight = Self.weight(
          query.sigma, sigmaData: denoiser.network.architecture.sigmaData, scale: scale)
        losses.withLock { $0[item] = weight * sum }
      }
    }
    return losses.withLock { $0.reduce(0, +) }
  }

  /// Factor of ‖r‖² in the loss: scale·λ(σ).
  private static func weight(_ sigma: Float, sigmaData: Double, scale: Double) -> Double {
    let s = Double(sigma)
    return scale * (s * s + sigmaData * sigmaData) / (s * s * sigmaData * sigmaData)
  }
}
