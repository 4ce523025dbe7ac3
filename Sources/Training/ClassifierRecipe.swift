import Basics
import Datasets
import Networks
import Records
import TensorCore

/// How a classifier is trained, on clean images or on attacked ones: with the images, it decides the
/// weights to the last bit.
public struct ClassifierRecipe: TrainingRecipe {
  public static let kind = "classifier"
  public static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// What the network learns from.
  public enum Method: String, Codable, CaseIterable, Sendable {
    /// Cross-entropy of clean images.
    case standard
    /// Cross-entropy of images moved by one full step of the gradient's sign (Goodfellow et al. 2015,
    /// arXiv 1412.6572): known to overfit to that step, a control for masked gradients.
    case fgsm
    /// Cross-entropy of images attacked by PGD (Madry et al. 2018, arXiv 1706.06083).
    case pgd
    /// Cross-entropy of clean images plus β·KL(clean ‖ attacked), the attack maximizing that
    /// divergence (Zhang et al. 2019, arXiv 1901.08573).
    case trades
  }

  public var dataset = "fashion-mnist"
  /// Channels of the first convolution.
  public var width = 16
  /// Channels of each halved resolution, in units of `width`.
  public var multipliers = [2, 4]
  /// Blocks at each of them.
  public var blocks = 1
  public var initial: String?
  /// What the network learns from.
  public var method = Method.standard
  /// Norm of the attack; nil: ℓ∞.
  public var norm: AttackConfiguration.Norm?
  /// Budget of the attack in pixel units; nil: 8/255, for ℓ2 0.5.
  public var epsilon: Double?
  /// Its steps; nil: 7, for `fgsm` 1.
  public var attackSteps: Int?
  /// Its step size; nil: 2.5·ε/steps, for `fgsm` ε.
  public var attackRate: Double?
  /// β of TRADES; nil: 6.
  public var beta: Double?
  /// Standard deviation of Gaussian noise on every image, pixel units, before any attack: for randomized
  /// smoothing (Cohen et al. 2019, arXiv 1902.02918); nil: none.
  public var noise: Double?
  /// Shipped model or file that takes that noise away again, D(x; σ) with σ = 2·`noise` and no label: for
  /// a classifier behind it (denoised smoothing, Salman et al. 2020, arXiv 2003.01908); nil: none.
  public var denoiser: String?
  public var epochs = 20.0
  public var batch = 128
  public var rate = 2e-3
  public var warmupSteps = 500
  public var weightDecay = 0.01
  public var clip = 5.0
  public var averageDecay = 0.999
  public var flip = true
  public var shift = 2
  public var wrap: Bool?
  public var heldOut = 1000
  public var seed: UInt64 = 0

  /// Keys as files spell them.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case dataset, width, multipliers, blocks, method, norm, epsilon, beta, noise, denoiser, epochs
    case batch, rate, clip
    case flip, shift, wrap, seed
    case initial = "init"
    case attackSteps = "attack_steps"
    case attackRate = "attack_rate"
    case warmupSteps = "warmup_steps"
    case weightDecay = "weight_decay"
    case averageDecay = "ema"
    case heldOut = "held_out"
  }

  /// The default recipe.
  public init() {}

  public init(from decoder: any Decoder) throws {
    let c = try decoder.container(keyedBy: CodingKeys.self)
    func read<T: Decodable>(_ key: CodingKeys, into value: inout T) throws {
      value = try c.decodeIfPresent(T.self, forKey: key) ?? value
    }
    func read<T: Decodable>(_ key: CodingKeys, into value: inout T?) throws {
      value = try c.decodeIfPresent(T.self, forKey: key)
    }
    try read(.dataset, into: &dataset)
    try read(.width, into: &width)
    try read(.multipliers, into: &multipliers)
    try read(.blocks, into: &blocks)
    try read(.initial, into: &initial)
    method = try c.choice(.method) ?? method
    norm = try c.choice(.norm)
    epsilon = try c.fraction(.epsilon)
    try read(.attackSteps, into: &attackSteps)
    attackRate = try c.fraction(.attackRate)
    try read(.beta, into: &beta)
    noise = try c.fraction(.noise)
    try read(.denoiser, into: &denoiser)
    try read(.epochs, into: &epochs)
    try read(.batch, into: &batch)
    try read(.rate, into: &rate)
    try read(.warmupSteps, into: &warmupSteps)
    try read(.weightDecay, into: &weightDecay)
    try read(.clip, into: &clip)
    try read(.averageDecay, into: &averageDecay)
    try read(.flip, into: &flip)
    try read(.shift, into: &shift)
    try read(.wrap, into: &wrap)
    try read(.heldOut, into: &heldOut)
    try read(.seed, into: &seed)
  }

  public func problem(images: Int) -> String? {
    let attacking: [(CodingKeys, Bool)] = [
      (.norm, norm != nil), (.epsilon, epsilon != nil), (.attackSteps, attackSteps != nil),
      (.attackRate, attackRate != nil),
    ]
    if method == .standard, let key = attacking.first(where: \.1)?.0 {
      return "'\(key.rawValue)' needs a method that attacks: fgsm, pgd or trades"
    }
    if method == .fgsm, let key = attacking[2...].first(where: \.1)?.0 {
      return "'\(key.rawValue)' cannot be given: fgsm takes one step of length epsilon"
    }
    if let norm, !norm.isBall { return "'norm' must be linf or l2, not \(norm.rawValue)" }
    if beta != nil, method != .trades { return "'beta' needs the method trades" }
    if denoiser != nil, method != .standard || noise == nil {
      return "'denoiser' needs 'noise', which it takes away, and the method standard"
    }
    let attack = attack(steps: nil)
    return problem(
      images: images,
      [
        ("epsilon", attack?.epsilon ?? 1, 1e-9...1e3),
        ("attack_steps", Double(attack?.steps ?? 1), 1...1000),
        ("attack_rate", attack?.rate ?? 1, 1e-9...1e3), ("beta", beta ?? 1, 0...1e3),
        ("noise", noise ?? 1, 1e-9...1e3),
      ])
  }

  /// The attack that images are trained on; nil for `standard`.
  ///
  /// - Parameter steps: makes it instead a PGD of so many steps in the same ball, to validate with.
  func attack(steps: Int?) -> TrainingAttack? {
    guard method != .standard else { return nil }
    let norm = norm ?? .linf
    let epsilon = epsilon ?? (norm == .linf ? 8.0 / 255 : 0.5)
    let isSingle = method == .fgsm && steps == nil
    let count = steps ?? (isSingle ? 1 : attackSteps ?? 7)
    let usual = isSingle ? epsilon : 2.5 * epsilon / Double(count)
    let attack = TrainingAttack(
      norm: norm, epsilon: epsilon, steps: count, rate: steps == nil ? attackRate ?? usual : usual)
    return switch (steps, method) {
    case (nil, .fgsm): attack.starting(.clean)
    case (nil, .trades): attack.starting(.gaussian(deviation: 0.001))
    default: attack
    }
  }

  public func architecture(for dataset: Dataset) -> any NetworkArchitecture {
    ResNetArchitecture(
      resolution: dataset.shape.width, channels: dataset.shape.channels,
      classes: dataset.classNames.count, width: width, multipliers: multipliers, blocks: blocks,
      dimensions: dataset.dimensions)
  }

  public func makeExamples(_ dataset: Dataset) -> ClassifierExamples {
    ClassifierExamples(self, dataset: dataset)
  }

  /// Without a denoiser as it was before there were any: states of then go on.
  public var checkpoints: [String: String?] {
    denoiser.map { ["init": initial, "denoiser": $0] } ?? ["init": initial]
  }

  public func makeTrainer(
    _ state: TrainingState, workers: WorkerPool
  ) throws -> ClassifierTrainer {
    try ClassifierTrainer(self, state, workers: workers)
  }

  /// What stands before the classifier; nil where the recipe names no denoiser.
  func denoising(_ architecture: any NetworkArchitecture) throws -> ImageDenoising? {
    guard let denoiser, let noise else { return nil }
    let model = try Checkpoint(path: ShippedModels.path(of: denoiser)).makeDenoiser()
    guard model.isUnconditional, model.shape == architecture.shape else {
      throw ElbowError(
        .malformed,
        "'denoiser: \(denoiser)' must denoise images of \(architecture.shape) without a label; it "
          + (model.isUnconditional ? "denoises those of \(model.shape)" : "needs one"))
    }
    return ImageDenoising(model, sigma: Float(2 * noise))
  }
}
