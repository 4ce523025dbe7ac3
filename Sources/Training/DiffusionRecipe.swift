import Basics
import Datasets
import Networks
import Records
import TensorCore

/// How a diffusion model is trained: with the images, it decides the weights to the last bit.
public struct DiffusionRecipe: TrainingRecipe {
  public static let kind = "diffusion"
  public static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// Dataset whose `train` split is learnt.
  public var dataset = "fashion-mnist"
  /// Channels at the full resolution.
  public var width = 16
  /// Channels at each resolution, in units of `width`.
  public var multipliers = [1, 2, 4]
  /// Blocks a resolution in the encoder.
  public var blocks = 1
  /// Resolutions whose blocks attend.
  public var attentionResolutions = [7]
  /// Shipped model or file of the same architecture to start from; nil: random weights.
  public var initial: String?
  /// Passes through the training images.
  public var epochs = 16.0
  /// Images a step.
  public var batch = 128
  /// Highest learning rate.
  public var rate = 1e-3
  /// Steps over which the rate rises from 0; then it falls to 0 as a cosine.
  public var warmupSteps = 500
  /// λ of AdamW.
  public var weightDecay = 0.0
  /// Longest gradient, ‖g‖₂; longer ones are scaled down.
  public var clip = 1.0
  /// Decay of the moving average a step; less in the first steps, (1 + t)/(10 + t).
  public var averageDecay = 0.9995
  /// Probability that an image's label is dropped.
  public var labelDropout = 0.1
  /// Mean of ln σ.
  public var sigmaMean = -1.2
  /// Standard deviation of ln σ.
  public var sigmaDeviation = 1.2
  /// β: weight of the cross-entropy of one noise level's class posterior.
  public var contrast = 0.0
  /// Other classes that an image's own is compared with, drawn uniformly, where `contrast` is
  /// positive.
  public var rivals = 3
  /// γ: weight of the divergence between the posteriors of an image's draws; nil: 0.
  public var consistency: Double?
  /// Norm of the attack on training images; nil: ℓ∞.
  public var norm: AttackConfiguration.Norm?
  /// Its budget in pixel units; nil: images are learnt as they are.
  public var epsilon: Double?
  /// Its steps; nil: 3.
  public var attackSteps: Int?
  /// Size of one in pixel units; nil: 2.5·ε/steps.
  public var attackRate: Double?
  /// Draws of noise an image and step; nil: one, with `consistency` two.
  public var draws: Int?
  /// Whether one evaluation denoises an image for every class; nil: no.
  public var multiHead: Bool?
  /// Whether half of the images are mirrored.
  public var flip = true
  /// Largest shift in either direction, pixels.
  public var shift = 0
  /// Whether what shifts move out at one end comes back at the other; nil: no.
  public var wrap: Bool?
  /// Of the products of convolutions, there and back; the weights' gradient, the optimizer and
  /// validation are in Float32; nil: fp32.
  public var precision: Precision?
  /// Images kept from training, at the split's end, to validate on.
  public var heldOut = 1000
  /// Seed of weights, order, noise and augmentation.
  public var seed: UInt64 = 0

  /// Keys as files spell them.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case dataset, width, multipliers, blocks, epochs, batch, rate, clip, flip, shift, wrap, seed
    case contrast, rivals, consistency, draws, precision, norm, epsilon
    case attackSteps = "attack_steps"
    case attackRate = "attack_rate"
    case multiHead = "multi_head"
    case attentionResolutions = "attention_resolutions"
    case initial = "init"
    case warmupSteps = "warmup_steps"
    case weightDecay = "weight_decay"
    case averageDecay = "ema"
    case labelDropout = "label_dropout"
    case sigmaMean = "sigma_mean"
    case sigmaDeviation = "sigma_deviation"
    case heldOut = "held_out"
  }

  /// The default recipe.
  public init() {}

  public init(from decoder: any Decoder) throws {
    let c = try decoder.container(keyedBy: CodingKeys.self)
    func read<T: Decodable>(_ key: CodingKeys, into value: inout T) throws {
      value = try c.decodeIfPresent(T.self, forKey: key) ?? value
    }
    try read(.dataset, into: &dataset)
    try read(.width, into: &width)
    try read(.multipliers, into: &multipliers)
    try read(.blocks, into: &blocks)
    try read(.attentionResolutions, into: &attentionResolutions)
    initial = try c.decodeIfPresent(String.self, forKey: .initial)
    try read(.epochs, into: &epochs)
    try read(.batch, into: &batch)
    try read(.rate, into: &rate)
    try read(.warmupSteps, into: &warmupSteps)
    try read(.weightDecay, into: &weightDecay)
    try read(.clip, into: &clip)
    try read(.averageDecay, into: &averageDecay)
    multiHead = try c.decodeIfPresent(Bool.self, forKey: .multiHead)
    if multiHead == true { labelDropout = 0 }
    try read(.labelDropout, into: &labelDropout)
    try read(.sigmaMean, into: &sigmaMean)
    try read(.sigmaDeviation, into: &sigmaDeviation)
    try read(.contrast, into: &contrast)
    try read(.rivals, into: &rivals)
    consistency = try c.decodeIfPresent(Double.self, forKey: .consistency)
    draws = try c.decodeIfPresent(Int.self, forKey: .draws)
    norm = try c.choice(.norm)
    epsilon = try c.fraction(.epsilon)
    attackSteps = try c.decodeIfPresent(Int.self, forKey: .attackSteps)
    attackRate = try c.fraction(.attackRate)
    try read(.flip, into: &flip)
    try read(.shift, into: &shift)
    wrap = try c.decodeIfPresent(Bool.self, forKey: .wrap)
    precision = try c.decodeIfPresent(Precision.self, forKey: .precision)
    try read(.heldOut, into: &heldOut)
    try read(.seed, into: &seed)
  }

  /// Draws of noise an image and step.
  var drawCount: Int { draws ?? ((consistency ?? 0) > 0 ? 2 : 1) }

  public func problem(images: Int) -> String? {
    if multiHead == true, labelDropout > 0 {
      return "'label_dropout' must be 0 with 'multi_head', whose network is told no label, got "
        + "\(labelDropout)"
    }
    if let consistency, consistency > 0, contrast <= 0 || drawCount < 2 {
      return
        "'consistency' needs a positive 'contrast' and at least 2 'draws', got \(contrast) and "
        + "\(drawCount)"
    }
    if epsilon != nil, contrast <= 0 {
      return "'epsilon' needs a positive 'contrast': the attack raises that part of the loss"
    }
    let attacking: [(CodingKeys, Bool)] = [
      (.norm, norm != nil), (.attackSteps, attackSteps != nil), (.attackRate, attackRate != nil),
    ]
    if epsilon == nil, let key = attacking.first(where: \.1)?.0 {
      return "'\(key.rawValue)' needs 'epsilon', the budget of an attack"
    }
    if let norm, !norm.isBall { return "'norm' must be linf or l2, not \(norm.rawValue)" }
    return problem(
      images: images,
      [
        ("epsilon", epsilon ?? 1, 1e-9...1e3), ("attack_steps", Double(attackSteps ?? 1), 1...1000),
        ("attack_rate", attackRate ?? 1, 1e-9...1e3), ("label_dropout", labelDropout, 0...1),
        ("sigma_mean", sigmaMean, -10...10),
        ("sigma_deviation", sigmaDeviation, 0...10), ("contrast", contrast, 0...1e6),
        ("rivals", Double(rivals), 1...1000), ("consistency", consistency ?? 0, 0...1e6),
        ("draws", Double(drawCount), 1...1000),
      ])
  }

  /// The attack that images are moved by before they are learnt; nil: none.
  package var attack: TrainingAttack? {
    epsilon.map { epsilon in
      let steps = attackSteps ?? 3
      return TrainingAttack(
        norm: norm ?? .linf, epsilon: epsilon, steps: steps,
        rate: attackRate ?? 2.5 * epsilon / Double(steps))
    }
  }

  public func architecture(for dataset: Dataset) -> any NetworkArchitecture {
    UNetArchitecture(
      resolution: dataset.shape.width, channels: dataset.shape.channels,
      classes: dataset.classNames.count, width: width, multipliers: multipliers, blocks: blocks,
      attentionResolutions: attentionResolutions,
      heads: multiHead == true ? dataset.classNames.count : 1, dimensions: dataset.dimensions)
  }

  public func makeExamples(_ dataset: Dataset) -> DiffusionExamples {
    DiffusionExamples(self, dataset: dataset)
  }

  public func makeTrainer(
    _ state: TrainingState, workers: WorkerPool
  ) throws -> DiffusionTrainer {
    try DiffusionTrainer(
      state, contrast: contrast, consistency: consistency ?? 0, precision: precision ?? .fp32,
      attack: attack, workers: workers)
  }
}
