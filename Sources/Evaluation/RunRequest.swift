import Classifiers
import Diffusion
import Records

/// What a user asks of a run: everything that must be known to start it, or to start it again.
public struct RunRequest: Codable, Hashable, Sendable {
  /// Shipped name or path of the denoiser, or of the network that classifies.
  public var model = ShippedModels.standard
  /// Shipped name or path of another network for likelihood maximization.
  public var lmModel: String?
  /// Dataset's name.
  public var dataset = "fashion-mnist"
  /// Folder of its files; nil for the usual places.
  public var data: String?
  /// Split.
  public var split = "test"
  /// Which images, as `ImageSelection` reads them.
  public var images = "100"
  /// Run whose recorded images are classified instead.
  public var inputsRun: String?
  /// The classifier; `model` and `lmModel` are filled in from the files.
  public var configuration = Configuration(
    classifier: .dc, model: "", grid: "linear:1e-4:3:125", weights: "edm")
  /// Overrides of the likelihood maximization's published parameters.
  public var lm = LMOverrides()
  /// The attack; nil for a clean run.
  public var attack: AttackConfiguration?
  /// Seed of the defence's stream.
  public var seed: UInt64 = 0
  /// Seed of the attacker's stream.
  public var attackSeed: UInt64 = 1
  /// Whether raw losses are recorded.
  public var recordsLosses = true

  /// The defaults.
  public init() {}

  /// Parameters of likelihood maximization that the user set.
  public struct LMOverrides: Codable, Hashable, Sendable {
    /// Variant; nil: the classifier's default, `paper`.
    public var variant: LikelihoodMaximization.Variant?
    /// N.
    public var steps: Int?
    /// Step size.
    public var rate: Double?
    /// Lower end of σ.
    public var sigmaLow: Double?
    /// Upper end of σ.
    public var sigmaHigh: Double?
    /// Bound on the movement.
    public var eta: Double?

    /// Nothing overridden.
    public init() {}

    /// Whether nothing is set.
    public var isEmpty: Bool { self == LMOverrides() }
  }
}

extension RunRequest.LMOverrides {
  /// The published parameters with the overrides in their places.
  func resolved(grid: NoiseGrid) throws -> LikelihoodMaximization {
    var result = LikelihoodMaximization.defaults(variant ?? .paper, grid: grid)
    result.steps = steps ?? result.steps
    result.sigmaLow = sigmaLow ?? result.sigmaLow
    result.sigmaHigh = sigmaHigh ?? result.sigmaHigh
    result.eta = eta ?? result.eta
    if result.variant == .l2, let eta = result.eta { result.rate = 2 * eta / Double(result.steps) }
    result.rate = rate ?? result.rate
    return result
  }
}
