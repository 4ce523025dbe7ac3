import Basics
import Foundation
import Networks
import Synchronization
import TensorCore

/// Trains a denoiser by Adam on the EDM loss, and keeps the moving average of its parameters.
///
///     L = mean over images and pixels of λ(σ)·(D(x + σε; σ, y) − x)²,  λ(σ) = (σ² + σ_d²)/(σ·σ_d)²
///         + β·mean over images of −ln p_y,  p = softmax_k(−λ(σ)·‖D(x + σε; σ, k) − x‖²)
///         + γ·mean over images of KL(p̄ ‖ p),  p̄ = mean of p over the image's draws of ε
///
/// The second part, with β > 0, is the cross-entropy of a classifier that reads this one noise level:
/// as σ is drawn from the density that `edm` weights hold, its logits estimate the ELBOs of those
/// weights. The EDM loss asks the other classes' images for nothing, so a better one need not classify
/// better. Where an example has N rivals of the K − 1 other classes, each stands for (K − 1)/N. The
/// third, with γ > 0, asks that draws of noise agree on an image's class. Every part is a mean over an
/// image's draws as well.
///
/// Where images are attacked first, x is the image to which an attack moved the example's own: it raises
/// the second part with the σ, the noise and the rivals that the example has.
///
/// The gradient is summed in fixed parts of the batch, so that results depend on nothing but the
/// examples: not on the number of threads.
///
/// **Source** Karras et al. 2022 (arXiv 2206.00364), section 5 and equation 8; the sum of a
/// generative and a discriminative likelihood as in Lasserre, Bishop & Minka 2006 (CVPR); γ as in Jeong
/// & Shin 2020 (arXiv 2006.04062).
public final class DiffusionTrainer: Trainer {
  /// One image with its draws of noise.
  public struct Example: Sendable {
    /// x, `[C·H·W]`, [−1, 1] units.
    package var image: [Float]
    /// Class, nil where it is dropped.
    package var label: Int?
    /// σ, > 0.
    package var sigma: Float
    /// ε of each draw, `[C·H·W]`.
    package var noises: [[Float]]
    /// Other classes that the label's is compared with; none without a label.
    package var rivals: [Int]
    /// What a random start of an attack is drawn from; nil: it starts at the image.
    package var random: RandomStream?

    var queries: [DenoisingQuery] {
      noises.map {
        DenoisingQuery(image: image, noise: $0, sigma: sigma, labels: [label] + rivals)
      }
    }

    /// An example as given.
    public init(
      image: [Float], label: Int?, sigma: Float, noises: [[Float]], rivals: [Int] = []
    ) {
      precondition(!noises.isEmpty, "an example needs noise")
      precondition(label != nil || rivals.isEmpty, "an image without a label has rivals \(rivals)")
      self.image = image
      self.label = label
      self.sigma = sigma
      self.noises = noises
      self.rivals = rivals
    }
  }

  public var state: TrainingState
  private let contrast, consistency: Double
  private let precision: Precision
  private let attack: TrainingAttack?
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
  /// - Parameters:
  ///   - contrast: β.
  ///   - consistency: γ.
  ///   - precision: of the products of convolutions, there and back; the weights' gradient, the
  ///     optimizer and validation are in Float32.
  /// - Throws: what building the network throws.
  public convenience init(
    _ state: TrainingState, contrast: Double = 0, consistency: Double = 0,
    precision: Precision = .fp32, workers: WorkerPool
  ) throws {
    try self.init(
      state, contrast: contrast, consistency: consistency, precision: precision, attack: nil,
      workers: workers)
  }

  /// - Parameter attack: moves each image that has rivals before it is learnt.
  package init(
    _ state: TrainingState, contrast: Double, consistency: Double, precision: Precision,
    attack: TrainingAttack?, workers: WorkerPool
  ) throws {
    self.state = state
    self.attack = attack
    (self.contrast, self.consistency, self.precision) = (contrast, consistency, precision)
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
    let denoiser = try parameters.makeDenoiser(precision: precision)
    let share = 1 / Double(batch.count)
    return try batchGradient.sum(
      batch.count, of: denoiser.network, parameters, workers: workers
    ) { [scratch, contrast, consistency, attack] range, slot, gradients in
      let session = scratch.sessions[slot]
      session.use(denoiser)
      var examples = Array(batch[range])
      if let attack { Self.move(&examples, by: attack, session, denoiser) }
      let drawn = examples.flatMap { Array(repeating: $0, count: $0.noises.count) }
      let queries = examples.flatMap(\.queries)
      var (loss, disagreement) = (0.0, Disagreement())
      if consistency > 0 {
        var posteriors: [Softmax] = []
        session.evaluate(queries) { index, residuals in
          let errors = Self.errors(residuals, of: drawn[index], size: denoiser.shape.count)
          posteriors.append(Self.posterior(errors, of: drawn[index], denoiser))
        }
        for example in examples {
          disagreement.add(
            posteriors.prefix(example.noises.count), scale: share * consistency)
          posteriors.removeFirst(example.noises.count)
        }
        loss += disagreement.loss
      }
      session.accumulate(queries, into: gradients) { index, residuals in
        let example = drawn[index]
        loss += Self.differentiate(
          &residuals, of: example, denoiser, share: share / Double(example.noises.count),
          contrast: contrast, adding: consistency > 0 ? disagreement.slopes[index] : nil)
      }
      return loss
    }
  }

  /// γ's part of the loss, and its slope to the logits of each draw.
  private struct Disagreement {
    private(set) var loss = 0.0
    /// `[draws of all examples][1 + rivals]`.
    private(set) var slopes: [[Double]] = []

    /// Adds how far the draws of one example are from their mean posterior.
    mutating func add(_ posteriors: ArraySlice<Softmax>, scale: Double) {
      let (draws, labels) = (Double(posteriors.count), posteriors[0].shares.indices)
      // Σ over draws of ln(p̄/p), per class; 0·ln 0 is 0.
      let mean = labels.map { k in posteriors.reduce(0) { $0 + $1.shares[k] } / draws }
      let gaps = labels.map { k in
        mean[k] > 0 ? posteriors.reduce(0) { $0 + log(mean[k]) - $1.logs[k] } : 0
      }
      loss += scale / draws * labels.reduce(0) { $0 + mean[$1] * gaps[$1] }
      for p in posteriors.map(\.shares) {
        let average = labels.reduce(0) { $0 + p[$1] * gaps[$1] }
        slopes.append(
          labels.map { scale / draws * (p[$0] - mean[$0] + p[$0] * (gaps[$0] - average) / draws) })
      }
    }
  }

  /// ‖D(x + σε; σ, k) − x‖² of each label that an example asks for.
  static func errors(
    _ residuals: Span<Float>, of example: Example, size: Int
  ) -> [Double] {
    (0...example.rivals.count).map { k in
      (k * size..<(k + 1) * size).reduce(0.0) { $0 + Double(residuals[$1]) * Double(residuals[$1]) }
    }
  }

  /// p.
  static func posterior(
    _ errors: [Double], of example: Example, _ denoiser: EDMDenoiser
  ) -> Softmax {
    let weight = weight(example.sigma, denoiser)
    let others = Double(denoiser.classCount - 1) / Double(max(example.rivals.count, 1))
    var posterior = Softmax(classes: errors.count)
    posterior.take(errors.enumerated().map { -weight * $1 + ($0 == 0 ? 0 : log(others)) })
    return posterior
  }

  /// Replaces a draw's residuals, `[1 + rivals, C·H·W]`, by the slopes of its part of the loss to
  /// them, and returns that part.
  ///
  /// - Parameters:
  ///   - share: of one draw in the mean.
  ///   - slope: of the loss's other parts to the logits, `[1 + rivals]`.
  private static func differentiate(
    _ residuals: inout MutableSpan<Float>, of example: Example, _ denoiser: EDMDenoiser,
    share: Double, contrast: Double, adding slope: [Double]? = nil
  ) -> Double {
    let size = denoiser.shape.count
    let weight = weight(example.sigma, denoiser)
    let errors = errors(residuals.span, of: example, size: size)
    var (loss, slopes) = (0.0, [Double](repeating: 0, count: errors.count))
    loss += share * weight / Double(size) * errors[0]
    slopes[0] = share * weight / Double(size)
    if !example.rivals.isEmpty {
      var posterior = posterior(errors, of: example, denoiser)
      posterior.setEntropySlope(label: 0, scale: share * contrast)
      loss += share * contrast * posterior.entropy(label: 0)
      for k in slopes.indices { slopes[k] -= weight * Double(posterior.slope[k]) }
    }
    if let slope { for k in slopes.indices { slopes[k] -= weight * slope[k] } }
    for k in slopes.indices {
      let factor = Float(2 * slopes[k])
      for i in k * size..<(k + 1) * size { residuals[i] *= factor }
    }
    return loss
  }

  /// The EDM loss of the moving average, and its accuracy as a diffusion classifier on the first of
  /// `examples`.
  public func validate(_ examples: [Example]) throws -> [(name: String, value: Double)] {
    let classified = ClassifiedImages(examples) { example in
      example.label.map { (example.image, $0) }
    }
    return [
      ("validation_loss", try averageLoss(examples)),
      (
        "validation_accuracy",
        try classified.accuracy(of: average.makeDenoiser(), workers: workers)
      ),
    ]
  }

  /// The EDM loss of the moving average on `examples`.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled.
  package func averageLoss(_ examples: [Example]) throws -> Double {
    precondition(!examples.isEmpty, "a loss needs an image")
    let denoiser = try average.makeDenoiser()
    let losses = Mutex([Double](repeating: 0, count: examples.count))
    let share = 1 / Double(examples.count)
    try workers.forEach(examples.count) { [scratch] item, slot in
      let session = scratch.sessions[slot]
      session.use(denoiser)
      var example = examples[item]
      example.rivals = []
      session.evaluate([example.queries[0]]) { _, residuals in
        var copy = residuals.withUnsafeBufferPointer { Array($0) }
        var span = copy.mutableSpan
        let loss = Self.differentiate(&span, of: example, denoiser, share: share, contrast: 0)
        losses.withLock { $0[item] = loss }
      }
    }
    return losses.withLock { $0.reduce(0, +) }
  }

  /// λ(σ).
  static func weight(_ sigma: Float, _ denoiser: EDMDenoiser) -> Double {
    let (s, d) = (Double(sigma), denoiser.network.architecture.sigmaData)
    return (s * s + d * d) / (s * s * d * d)
  }
}
