import Basics
import Datasets
import Networks
import Records
import TensorCore

/// How a multi-head denoiser is distilled from a class-conditional one: with the images and the
/// teacher, it decides the weights to the last bit.
public struct MultiHeadRecipe: TrainingRecipe {
  public static let kind = "multi-head"
  public static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// How much a noise level's squared distance from the teacher counts.
  public enum Weights: String, Codable, CaseIterable, Sendable {
    /// λ(σ) = (σ² + σ_d²)/(σ·σ_d)², as in the teacher's own training.
    case edm
    /// σ⁻². What classes differ by, times this, is nearly the same at all σ: with λ most of the loss
    /// is at σ above 1.
    case snr

    /// The weight of σ.
    func callAsFunction(_ sigma: Double, sigmaData d: Double) -> Double {
      switch self {
      case .edm: (sigma * sigma + d * d) / (sigma * sigma * d * d)
      case .snr: 1 / (sigma * sigma)
      }
    }
  }

  /// What `init` says to begin from the teacher.
  static let fromTeacher = "teacher"

  /// Dataset whose `train` split is learnt.
  public var dataset = "fashion-mnist"
  /// Shipped model or file whose residuals are learnt.
  public var teacher = ShippedModels.standard
  /// Classes an image that the teacher is asked for, the true one among them; nil: all.
  public var teacherClasses: Int?
  /// Channels at the full resolution.
  public var width = 16
  /// Channels at each resolution, in units of `width`.
  public var multipliers = [1, 2, 4]
  /// Blocks a resolution in the encoder.
  public var blocks = 1
  /// Resolutions whose blocks attend.
  public var attentionResolutions = [7]
  /// `teacher`, or shipped model or file of the same architecture to start from; nil: random weights.
  public var initial: String?
  /// Passes through the training images.
  public var epochs = 4.0
  /// Images a step.
  public var batch = 128
  /// Highest learning rate.
  public var rate = 1e-3
  /// Steps over which the rate rises from 0; then it falls to 0 as a cosine.
  public var warmupSteps = 200
  /// λ of AdamW.
  public var weightDecay = 0.0
  /// Longest gradient, ‖g‖₂; longer ones are scaled down.
  public var clip = 1.0
  /// Decay of the moving average a step; less in the first steps, (1 + t)/(10 + t).
  public var averageDecay = 0.999
  /// Mean of ln σ.
  public var sigmaMean = -1.2
  /// Standard deviation of ln σ.
  public var sigmaDeviation = 1.2
  /// Weight of a noise level.
  public var weights = Weights.edm
  /// β: weight of the divergence between the teacher's class posteriors and the student's.
  public var evidence = 0.0
  /// Whether half of the images are mirrored.
  public var flip = true
  /// Largest shift in either direction, pixels.
  public var shift = 0
  /// Images kept from training, at the split's end, to validate on.
  public var heldOut = 1000
  /// Seed of weights, order, noise and augmentation.
  public var seed: UInt64 = 0

  /// Keys as files spell them.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case dataset, teacher, width, multipliers, blocks, epochs, batch, rate, clip, flip, shift, seed
    case weights, evidence
    case teacherClasses = "teacher_classes"
    case attentionResolutions = "attention_resolutions"
    case initial = "init"
    case warmupSteps = "warmup_steps"
    case weightDecay = "weight_decay"
    case averageDecay = "ema"
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
    try read(.teacher, into: &teacher)
    teacherClasses = try c.decodeIfPresent(Int.self, forKey: .teacherClasses)
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
    try read(.sigmaMean, into: &sigmaMean)
    try read(.sigmaDeviation, into: &sigmaDeviation)
    try read(.weights, into: &weights)
    try read(.evidence, into: &evidence)
    try read(.flip, into: &flip)
    try read(.shift, into: &shift)
    try read(.heldOut, into: &heldOut)
    try read(.seed, into: &seed)
  }
}

extension MultiHeadRecipe {
  public var checkpoints: [String: String?] {
    ["teacher": teacher, "init": initial == Self.fromTeacher ? teacher : initial]
  }

  public func problem(images: Int) -> String? {
    if let teacherClasses, teacherClasses < 2 {
      return "'teacher_classes' must be at least 2, the true class and one other, got "
        + "\(teacherClasses)"
    }
    return problem(
      images: images,
      [
        ("evidence", evidence, 0...1e6), ("sigma_mean", sigmaMean, -10...10),
        ("sigma_deviation", sigmaDeviation, 0...10),
      ])
  }

  public func architecture(for dataset: Dataset) -> any NetworkArchitecture {
    let classes = dataset.classNames.count
    return UNetArchitecture(
      resolution: dataset.shape.width, channels: dataset.shape.channels, classes: classes,
      width: width, multipliers: multipliers, blocks: blocks,
      attentionResolutions: attentionResolutions, heads: classes,
      dimensions: dataset.dimensions)
  }

  public func makeExamples(_ dataset: Dataset) -> MultiHeadExamples {
    MultiHeadExamples(self, dataset: dataset)
  }

  public func start(
    _ architecture: any NetworkArchitecture, from initial: Checkpoint?
  ) throws -> ParameterVector {
    guard self.initial == Self.fromTeacher, let initial,
      let architecture = architecture as? UNetArchitecture
    else { return try startAsIs(architecture, from: initial) }
    return try .multiHead(architecture, from: initial, seed: seed)
  }

  public func makeTrainer(
    _ state: TrainingState, workers: WorkerPool
  ) throws -> MultiHeadTrainer {
    let checkpoint = try Checkpoint(path: ShippedModels.path(of: teacher))
    let denoiser = try checkpoint.makeDenoiser()
    let (architecture, found) = (state.parameters.architecture, denoiser.network.architecture)
    guard
      found.shape == architecture.shape, found.labelInputs == architecture.classes
    else {
      throw ElbowError(
        .malformed,
        "'teacher: \(teacher)' denoises \(found.shape) images "
          + "of \(found.labelInputs) classes given as labels; \(dataset) needs one of its "
          + "\(architecture.classes) classes")
    }
    return try MultiHeadTrainer(
      state, teacher: denoiser, weights: weights, evidence: evidence, workers: workers)
  }
}
