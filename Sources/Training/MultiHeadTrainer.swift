import Classifiers
import Diffusion
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
    public var image: [Float]
    /// True class.
    public var label: Int
    /// σ, > 0.
    public var sigma: Float
    /// ε, `[C·H·W]`.
    public var noise: [Float]
    /// Classes that the teacher is asked for: the true one and at least one other.
    public var asked: [Int]

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
  private let weights: MultiHeadRecipe.Weights
  private let evidence: Double
  private let workers: WorkerPool
  private let scratch: Scratch
  private let batchGradient = BatchGradient()
  private var teacherAccuracy: Double?

  /// Heads that have learnt nothing, F = 0, are about 1 off at every σ.
  public static let divergedLoss = 100.0

  /// Held-out images that are classified, from the first, and at which noise levels.
  private static let (classifiedCount, classifiedGrid) = (300, "quantile:10")

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
    self.weights = weights
    self.evidence = evidence
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
    let scale = 1 / Double(batch.count)
    return try batchGradient.sum(
      batch.count, of: student.network, parameters, workers: workers
    ) { [scratch, weights, evidence] range, slot, gradients in
      let sessions = scratch.slots[slot]
      sessions.student.use(student)
      return batch[range].reduce(0) { loss, example in
        var distance = Distance(
          example, of: student, weights, scale: scale, teacher: sessions.teacher)
        if evidence > 0 {
          distance.addEvidence(
            of: Self.residuals(example, sessions.student), share: evidence * scale)
        }
        var pulled = [Float](repeating: 0, count: example.image.count)
        var input = pulled.mutableSpan
        sessions.student.gradient(
          image: example.image.span, noise: example.noise.span, sigma: example.sigma,
          labels: example.asked, into: &input, adding: gradients
        ) { index, residual in
          distance.add(index, &residual)
        }
        return loss + distance.loss
      }
    }
  }

  /// One example's part of the loss.
  private struct Distance {
    /// What of it has been added.
    private(set) var loss = 0.0
    /// The teacher's residuals, `[asked, C·H·W]`.
    private let targets: [Float]
    /// Factor of each asked class's ‖D_k − D_teacher‖².
    private let weights: [Double]
    /// w(σ).
    private let weight: Double
    /// Slope of the evidence's part to each asked class's ‖D_k − x‖².
    private var slopes: [Double]

    init(
      _ example: Example, of student: EDMDenoiser, _ weights: MultiHeadRecipe.Weights,
      scale: Double, teacher: EDMDenoiser.Session
    ) {
      let (classes, asked) = (student.classCount, example.asked)
      var targets = [Float](repeating: 0, count: asked.count * example.image.count)
      var span = targets.mutableSpan
      teacher.residuals(
        image: example.image.span, noise: example.noise.span, sigma: example.sigma, labels: asked,
        into: &span)
      self.targets = targets
      weight = weights(
        Double(example.sigma), sigmaData: student.network.architecture.sigmaData)
      let factor = scale * weight / Double(classes * example.image.count)
      let others = Double(classes - 1) / Double(max(asked.count - 1, 1))
      self.weights = asked.map { factor * ($0 == example.label ? 1 : others) }
      slopes = asked.map { _ in 0 }
    }

    /// Adds the divergence of the class posteriors.
    ///
    /// - Parameters:
    ///   - residuals: the student's, `[asked, C·H·W]`.
    ///   - share: β, and this example's share of the mean.
    mutating func addEvidence(of residuals: [Float], share: Double) {
      let classes = slopes.count
      func logits(_ residuals: [Float]) -> [Double] {
        let size = residuals.count / classes
        return (0..<classes).map { k in
          residuals[k * size..<(k + 1) * size].reduce(0) { $0 - weight * Double($1 * $1) }
        }
      }
      var (teacher, student) = (Softmax(classes: classes), Softmax(classes: classes))
      teacher.take(logits(targets))
      student.take(logits(residuals))
      student.setDivergenceSlope(from: teacher, scale: share)
      loss += share * student.divergence(from: teacher)
      slopes = student.slope.map { -weight * Double($0) }
    }

    /// Adds the part of the class at `index`, and turns its residual into the part's gradient.
    mutating func add(_ index: Int, _ residual: inout MutableSpan<Float>) {
      let (weight, start) = (weights[index], index * residual.count)
      let (factor, slope) = (Float(2 * weight), Float(2 * slopes[index]))
      var sum = 0.0
      for i in residual.indices {
        // Both residuals are D − x.
        let difference = residual[i] - targets[start + i]
        sum += Double(difference) * Double(difference)
        residual[i] = factor * difference + slope * residual[i]
      }
      loss += weight * sum
    }
  }

  /// The loss on `examples`, and the accuracy as a diffusion classifier on the first of them, the
  /// teacher's beside it.
  public func validate(_ examples: [Example]) throws -> [(name: String, value: Double)] {
    let student = try average.makeDenoiser()
    let teacherAccuracy = try teacherAccuracy ?? accuracy(teacher, examples)
    self.teacherAccuracy = teacherAccuracy
    return [
      ("validation_loss", try loss(of: student, examples)),
      ("validation_accuracy", try accuracy(student, examples)),
      ("validation_teacher_accuracy", teacherAccuracy),
    ]
  }

  private func loss(of student: EDMDenoiser, _ examples: [Example]) throws -> Double {
    precondition(!examples.isEmpty, "a validation needs an image")
    let losses = Mutex([Double](repeating: 0, count: examples.count))
    let scale = 1 / Double(examples.count)
    try workers.forEach(examples.count) { [scratch, weights, evidence] item, slot in
      let (example, sessions) = (examples[item], scratch.slots[slot])
      sessions.student.use(student)
      var distance = Distance(
        example, of: student, weights, scale: scale, teacher: sessions.teacher)
      let residuals = Self.residuals(example, sessions.student)
      if evidence > 0 { distance.addEvidence(of: residuals, share: evidence * scale) }
      for index in example.asked.indices {
        let start = index * example.image.count
        var one = Array(residuals[start..<start + example.image.count])
        var span = one.mutableSpan
        distance.add(index, &span)
      }
      losses.withLock { $0[item] = distance.loss }
    }
    return losses.withLock { $0.reduce(0, +) }
  }

  /// Of the asked classes, `[asked, C·H·W]`.
  private static func residuals(
    _ example: Example, _ session: EDMDenoiser.Session
  ) -> [Float] {
    var residuals = [Float](repeating: 0, count: example.asked.count * example.image.count)
    var output = residuals.mutableSpan
    session.residuals(
      image: example.image.span, noise: example.noise.span, sigma: example.sigma,
      labels: example.asked, into: &output)
    return residuals
  }

  private func accuracy(_ denoiser: EDMDenoiser, _ examples: [Example]) throws -> Double {
    let classified = examples.prefix(Self.classifiedCount)
    let plan = try ClassifierPlan(
      Configuration(classifier: .dc, model: "", grid: Self.classifiedGrid, weights: "edm"),
      classCount: denoiser.classCount, shape: denoiser.shape)
    let classifier = DiffusionClassifier(
      DenoiserPool(denoiser, workers: workers), plan: plan, recordsLosses: false)
    let right = Mutex(0)
    try workers.forEach(classified.count) { item, _ in
      let answer = try classifier.classify(
        classified[item].image.map { ($0 + 1) / 2 },
        key: ImageKey(dataset: "validation", split: "train", index: item),
        stream: NoiseStream(seed: 0, owner: .defence))
      if answer.predicted == classified[item].label { right.withLock { $0 += 1 } }
    }
    return Double(right.withLock { $0 }) / Double(classified.count)
  }
}
