import Networks
import Records
import Synchronization
import TensorCore

/// Distils a class-conditional denoiser into a multi-head one by Adam, and keeps the moving average
/// of its parameters.
///
///     L = mean over images, pixels and heads k of w(σ)·(D_k(x + σε; σ) − D_teacher(x + σε; σ, k))²
///         + β·mean over images of KL(p_teacher ‖ p),  p = softmax_k(−w(σ)·‖D_k(x + σε; σ) − x‖²)
///
/// Where the teacher is asked for N of the K classes only, the true one always and the others drawn
/// uniformly, those count (K − 1)/(N − 1) times, so that the mean over draws is the sum's over all; the
/// posteriors p are over those classes then. w is λ or σ⁻².
///
/// The second part asks for what a classifier reads: one noise level's evidence for each class. A
/// network that sees x + σε alone can learn these few numbers long before it can learn K images.
///
/// **Source** arXiv 2305.15241, appendix (multi-head diffusion); λ as in Karras et al. 2022
/// (arXiv 2206.00364), table 1.
public final class MultiHeadTrainer: Trainer {
  /// One image with its noise.
  public struct Example: Sendable {
    /// x, `[C·H·W]`, [−1, 1] units.
    package var image: [Float]
    /// True class.
    package var label: Int
    /// σ, > 0.
    package var sigma: Float
    /// ε, `[C·H·W]`.
    package var noise: [Float]
    /// Classes that the teacher is asked for: the true one and at least one other.
    package var asked: [Int]

    fileprivate var query: DenoisingQuery {
      DenoisingQuery(image: image, noise: noise, sigma: sigma, labels: asked)
    }

    /// An example as given.
    public init(image: [Float], label: Int, sigma: Float, noise: [Float], asked: [Int]) {
      self.image = image
      self.label = label
      self.sigma = sigma
      self.noise = noise
      self.asked = asked
    }
  }

  public var state: TrainingState
  private let teacher: EDMDenoiser
  private let measure: Measure
  private let workers: WorkerPool
  private let scratch: Scratch
  private let batchGradient = BatchGradient()
  private var teacherAccuracy: Double?

  /// Heads that have learnt nothing, F = 0, are about 1 off at every σ.
  public static let divergedLoss = 100.0

  /// Goes on from `state`.
  ///
  /// - Parameters:
  ///   - teacher: class-conditional, of the same images and classes.
  ///   - weights: w.
  ///   - evidence: β.
  /// - Throws: what building the network throws.
  public init(
    _ state: TrainingState, teacher: EDMDenoiser, weights: MultiHeadRecipe.Weights = .edm,
    evidence: Double = 0, workers: WorkerPool
  ) throws {
    self.state = state
    self.teacher = teacher
    measure = Measure(weights: weights, evidence: evidence)
    self.workers = workers
    scratch = Scratch(workers.count, try state.parameters.makeDenoiser(), teacher)
  }

  /// Sessions for each worker, who is alone with them.
  private final class Scratch: @unchecked Sendable {
    let slots: [(student: EDMDenoiser.Session, teacher: EDMDenoiser.Session)]

    init(_ count: Int, _ student: EDMDenoiser, _ teacher: EDMDenoiser) {
      slots = (0..<count).map { _ in
        (EDMDenoiser.Session(student), EDMDenoiser.Session(teacher))
      }
    }
  }

  public func gradient(_ batch: [Example]) throws -> (loss: Double, gradient: [Float]) {
    let student = try parameters.makeDenoiser()
    let share = 1 / Double(batch.count)
    return try batchGradient.sum(
      batch.count, of: student.network, parameters, workers: workers
    ) { [scratch, measure] range, slot, gradients in
      let (sessions, examples) = (scratch.slots[slot], batch[range])
      let targets = Self.targets(examples, sessions.teacher)
      sessions.student.use(student)
      var loss = 0.0
      sessions.student.accumulate(examples.map(\.query), into: gradients) { index, residuals in
        loss += measure.differentiate(
          &residuals, of: examples[range.lowerBound + index], student,
          targets: targets[index], share: share)
      }
      return loss
    }
  }

  /// The teacher's residuals of each example, `[asked, C·H·W]`.
  private static func targets(
    _ examples: ArraySlice<Example>, _ teacher: EDMDenoiser.Session
  ) -> [[Float]] {
    var targets: [[Float]] = []
    teacher.evaluate(examples.map(\.query)) { _, residuals in
      targets.append(residuals.withUnsafeBufferPointer { Array($0) })
    }
    return targets
  }

  /// The loss.
  private struct Measure: Sendable {
    let weights: MultiHeadRecipe.Weights
    let evidence: Double

    /// Replaces an example's residuals, `[asked, C·H·W]`, by the slopes of its part of the loss to
    /// them, and returns that part.
    ///
    /// - Parameters:
    ///   - targets: the teacher's residuals.
    ///   - share: of one image in the mean.
    func differentiate(
      _ residuals: inout MutableSpan<Float>, of example: Example, _ student: EDMDenoiser,
      targets: [Float], share: Double
    ) -> Double {
      let (size, asked) = (student.shape.count, example.asked)
      let weight = weights(
        Double(example.sigma), sigmaData: student.network.architecture.sigmaData)
      let factor = share * weight / Double(student.classCount * size)
      let others = Double(student.classCount - 1) / Double(max(asked.count - 1, 1))
      var (loss, slopes) = (0.0, [Double](repeating: 0, count: asked.count))
      if evidence > 0 {
        var (teacher, posterior) = (Softmax(classes: asked.count), Softmax(classes: asked.count))
        func logit(_ k: Int, _ residual: (Int) -> Float) -> Double {
          (k * size..<(k + 1) * size).reduce(0) {
            $0 - weight * Double(residual($1)) * Double(residual($1))
          }
        }
        teacher.take(asked.indices.map { k in logit(k) { targets[$0] } })
        posterior.take(asked.indices.map { k in logit(k) { residuals[$0] } })
        posterior.setDivergenceSlope(from: teacher, scale: evidence * share)
        loss += evidence * share * posterior.divergence(from: teacher)
        slopes = posterior.slope.map { -weight * Double($0) }
      }
      for (k, label) in asked.enumerated() {
        let weight = factor * (label == example.label ? 1 : others)
        let (pull, slope) = (Float(2 * weight), Float(2 * slopes[k]))
        var sum = 0.0
        for i in k * size..<(k + 1) * size {
          // Both residuals are D − x.
          let difference = residuals[i] - targets[i]
          sum += Double(difference) * Double(difference)
          residuals[i] = pull * difference + slope * residuals[i]
        }
        loss += weight * sum
      }
      return loss
    }
  }

  /// The loss on `examples`, and the accuracy as a diffusion classifier on the first of them, the
  /// teacher's beside it.
  public func validate(_ examples: [Example]) throws -> [(name: String, value: Double)] {
    let student = try average.makeDenoiser()
    let classified = ClassifiedImages(examples) { ($0.image, $0.label) }
    let teacherAccuracy =
      try teacherAccuracy ?? classified.accuracy(of: teacher, workers: workers)
    self.teacherAccuracy = teacherAccuracy
    return [
      ("validation_loss", try loss(of: student, examples)),
      ("validation_accuracy", try classified.accuracy(of: student, workers: workers)),
      ("validation_teacher_accuracy", teacherAccuracy),
    ]
  }

  private func loss(of student: EDMDenoiser, _ examples: [Example]) throws -> Double {
    precondition(!examples.isEmpty, "a validation needs an image")
    let losses = Mutex([Double](repeating: 0, count: examples.count))
    let share = 1 / Double(examples.count)
    try workers.forEach(examples.count) { [scratch, measure] item, slot in
      let (example, sessions) = (examples[item], scratch.slots[slot])
      let targets = Self.targets(examples[item...item], sessions.teacher)[0]
      sessions.student.use(student)
      sessions.student.evaluate([example.query]) { _, residuals in
        var copy = residuals.withUnsafeBufferPointer { Array($0) }
        var span = copy.mutableSpan
        let loss = measure.differentiate(
          &span, of: example, student, targets: targets, share: share)
        losses.withLock { $0[item] = loss }
      }
    }
    return losses.withLock { $0.reduce(0, +) }
  }
}
