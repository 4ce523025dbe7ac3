import Networks
import Synchronization
import TensorCore

/// Trains a classifier by Adam on clean or attacked images, and keeps the moving average of its
/// parameters.
///
///     standard          L = mean of CE(z(x), y)
///     fgsm, pgd         L = mean of CE(z(x'), y)
///     trades            L = mean of CE(z(x), y) + β·KL(softmax z(x) ‖ softmax z(x'))
///
/// x' is attacked with the parameters of the step. The TRADES gradient passes through both logits. With a
/// denoiser x is what that makes of the noised image.
public final class ClassifierTrainer: Trainer {
  /// One image with the randomness of its attack.
  public struct Example: Sendable {
    /// Planar `[C, H, W]`, pixel units [0, 1].
    package var image: [Float]
    /// True class.
    package var label: Int
    /// Draws the attack's start.
    package var random: RandomStream

    /// An example as given.
    public init(image: [Float], label: Int, random: RandomStream) {
      self.image = image
      self.label = label
      self.random = random
    }
  }

  public var state: TrainingState
  private let workers: WorkerPool
  private let attack: TrainingAttack?
  private let validationAttack: TrainingAttack?
  private let beta: Double?
  private let denoising: ImageDenoising?
  private let scratch: Scratch
  private let batchGradient = BatchGradient()

  /// A network that has learnt nothing has a cross-entropy of about ln K.
  public static let divergedLoss = 1000.0

  /// Held-out images that are attacked, from the first, and the steps of that PGD.
  private static let (attackedCount, attackedSteps) = (500, 10)

  /// Goes on from `state`.
  ///
  /// - Throws: `ElbowError` for a denoiser of other images; what reading it and building the network throws.
  public init(_ recipe: ClassifierRecipe, _ state: TrainingState, workers: WorkerPool) throws {
    self.state = state
    self.workers = workers
    attack = recipe.attack(steps: nil)
    validationAttack = recipe.attack(steps: Self.attackedSteps)
    beta = recipe.method == .trades ? recipe.beta ?? 6 : nil
    denoising = try recipe.denoising(state.parameters.architecture)
    scratch = Scratch(workers.count, try state.parameters.makeResNet(), denoising?.denoiser)
  }

  /// Sessions for each worker, who is alone with them: TRADES differentiates two evaluations.
  private final class Scratch: @unchecked Sendable {
    let slots: [(clean: ResNet.Session, attacked: ResNet.Session)]
    let denoisers: [EDMDenoiser.Session]

    init(_ count: Int, _ network: ResNet, _ denoiser: EDMDenoiser?) {
      slots = (0..<count).map { _ in (ResNet.Session(network), ResNet.Session(network)) }
      denoisers = denoiser.map { d in (0..<count).map { _ in EDMDenoiser.Session(d) } } ?? []
    }
  }

  public func gradient(_ batch: [Example]) throws -> (loss: Double, gradient: [Float]) {
    let network = try parameters.makeResNet()
    let scale = 1 / Double(batch.count)
    return try batchGradient.sum(
      batch.count, of: network, parameters, workers: workers
    ) { [scratch, attack, beta, denoising] range, slot, gradients in
      let sessions = scratch.slots[slot]
      var examples = Array(batch[range])
      denoising?.denoise(&examples, scratch.denoisers[slot])
      sessions.clean.use(network)
      sessions.attacked.use(network)
      return examples.reduce(0) { loss, example in
        if let attack, let beta {
          return loss
            + Self.tradesLoss(example, attack, beta: beta, sessions, gradients, scale: scale)
        }
        let image = attack?.image(of: example, against: sessions.attacked) ?? example.image
        var softmax = Softmax(classes: network.architecture.classes)
        softmax.evaluate(image, sessions.clean, keeps: true)
        softmax.setEntropySlope(label: example.label, scale: scale)
        sessions.clean.accumulate(softmax.slope.span, into: gradients)
        return loss + scale * softmax.entropy(label: example.label)
      }
    }
  }

  private static func tradesLoss(
    _ example: Example, _ attack: TrainingAttack, beta: Double,
    _ sessions: (clean: ResNet.Session, attacked: ResNet.Session),
    _ gradients: ParameterGradients, scale: Double
  ) -> Double {
    let classes = sessions.clean.classCount
    var (clean, attacked) = (Softmax(classes: classes), Softmax(classes: classes))
    clean.evaluate(example.image, sessions.clean, keeps: true)
    let image = attack.image(
      of: example, against: sessions.attacked, clean: clean)
    attacked.evaluate(image, sessions.attacked, keeps: true)
    attacked.setDivergenceSlope(from: clean, scale: scale * beta)
    sessions.attacked.accumulate(attacked.slope.span, into: gradients)
    clean.setEntropySlope(label: example.label, scale: scale)
    clean.addDivergenceSlope(to: attacked, scale: scale * beta)
    sessions.clean.accumulate(clean.slope.span, into: gradients)
    return scale
      * (clean.entropy(label: example.label) + beta * attacked.divergence(from: clean))
  }

  /// Loss and accuracy on clean images, and of adversarial methods the accuracy under a short PGD
  /// on the first 500.
  public func validate(_ examples: [Example]) throws -> [(name: String, value: Double)] {
    precondition(!examples.isEmpty, "a validation needs an image")
    let network = try average.makeResNet()
    let classes = network.architecture.classes
    let attackedCount = validationAttack == nil ? 0 : min(Self.attackedCount, examples.count)
    let results = Mutex(
      [(loss: Double, isRight: Bool, isRobust: Bool)?](
        repeating: nil, count: examples.count))
    try workers.forEach(examples.count) { [scratch, validationAttack, denoising] item, slot in
      let session = scratch.slots[slot].clean
      session.use(network)
      var given = [examples[item]]
      denoising?.denoise(&given, scratch.denoisers[slot])
      let example = given[0]
      var softmax = Softmax(classes: classes)
      softmax.evaluate(example.image, session, keeps: false)
      let loss = softmax.entropy(label: example.label)
      let isRight = softmax.predicted == example.label
      var isRobust = isRight
      if isRight, item < attackedCount, let validationAttack {
        let image = validationAttack.image(of: example, against: session)
        softmax.evaluate(image, session, keeps: false)
        isRobust = softmax.predicted == example.label
      }
      results.withLock { $0[item] = (loss, isRight, isRobust) }
    }
    let all = results.withLock { $0.compactMap(\.self) }
    func share(_ count: Int, of total: Int) -> Double { Double(count) / Double(total) }
    var metrics = [
      ("validation_loss", all.reduce(0) { $0 + $1.loss } / Double(all.count)),
      ("validation_accuracy", share(all.count(where: \.isRight), of: all.count)),
    ]
    if attackedCount > 0 {
      metrics.append(
        (
          "validation_robust_accuracy",
          share(all[..<attackedCount].count(where: \.isRobust), of: attackedCount)
        ))
    }
    return metrics
  }
}
