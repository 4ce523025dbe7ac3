import Basics
import Foundation

/// Everything that decides what a classifier answers, apart from seeds, inputs and attacks.
///
/// Two runs with equal configurations ask the same question of their images. The value is stored
/// as canonical JSON (RFC 8785) and named by the SHA-256 of that text, its fingerprint. Fields at
/// their neutral default are left out, so that a field added later keeps old fingerprints.
public struct Configuration: Hashable, Sendable {
  /// Version of the JSON layout, written as `schema`.
  public static let schema = 1

  /// How the image is classified.
  public enum Classifier: String, Codable, CaseIterable, Sendable {
    /// Diffusion classifier: argmax over classes of the ELBO.
    case dc
    /// Diffusion classifier of images that have the noise of randomized smoothing: the ELBO by the exact
    /// posterior of a noisy image (EPNDC).
    case epndc
    /// Robust diffusion classifier: likelihood maximization, then `dc`.
    case rdc
    /// Optimal diffusion classifier: the ELBO under the closed-form denoiser of the training set.
    case optimal
    /// Likelihood maximization by a network, then `optimal`.
    case lmOptimal = "lm+optimal"
    /// A convolutional classifier, whose evidence is its logits.
    case cnn
    /// Likelihood maximization by a diffusion model, then `cnn`.
    case lmCNN = "lm+cnn"
    /// Purification by diffusion and the way back, then `dc`.
    case purifyDC = "purify+dc"
    /// Purification by a diffusion model, then `cnn`.
    case purifyCNN = "purify+cnn"

    /// Whether likelihood maximization comes first.
    public var maximizesLikelihood: Bool { self == .rdc || self == .lmOptimal || self == .lmCNN }
    /// Whether diffusion and the way back come first.
    public var purifies: Bool { self == .purifyDC || self == .purifyCNN }
    /// Whether a diffusion model moves the image before it is classified.
    public var movesImages: Bool { maximizesLikelihood || purifies }
    /// Whether denoising losses decide: it has noise levels, weights and a strategy.
    public var weighsLosses: Bool { self != .cnn && self != .lmCNN && self != .purifyCNN }
    /// Whether the denoiser is the closed-form one of the training set.
    public var isOptimal: Bool { self == .optimal || self == .lmOptimal }
  }

  /// Error norm of one denoising loss.
  public enum Loss: String, Codable, CaseIterable, Sendable {
    /// Of its square, ‖·‖², or of its absolute value, ‖·‖₁.
    case squared, absolute
  }
  /// Whether a loss is the sum or the mean of its pixels' errors.
  public enum Reduction: String, Codable, CaseIterable, Sendable {
    /// Over pixels and channels.
    case sum, mean
  }
  /// Whether the classes of one image see the same noise.
  public enum Noise: String, Codable, CaseIterable, Sendable {
    /// One noise for all classes.
    case shared
    /// One of its own for each class.
    case fresh
  }

  /// How the image is classified.
  public var classifier: Classifier
  /// SHA-256 (hexadecimal) of the network's tensors, or of the support images of `optimal`.
  public var model: String
  /// SHA-256 of the tensors of the network that maximizes likelihood or purifies; nil: `model`
  /// itself.
  public var lmModel: String?
  /// Noise levels in canonical spelling, as `linear:0.0001:3:125`; neutral, of a classifier that
  /// weighs no losses: empty.
  public var grid: String
  /// Weight function ω(σ), as `edm`; neutral, of a classifier that weighs no losses: empty.
  public var weights: String
  /// Error norm; neutral: `squared`.
  public var loss: Loss = .squared
  /// Pixel reduction; neutral: `sum`.
  public var reduction: Reduction = .sum
  /// Factor on every logit; neutral: 1.
  public var logitScale: Double = 1
  /// Class prior, `[classes]`, summing to 1; neutral: nil, uniform.
  public var prior: [Double]?
  /// Noise sharing between classes; neutral: `shared`.
  public var noise: Noise = .shared
  /// Whether all timesteps see the same noise direction ε; neutral: false.
  public var sharesTimesteps: Bool = false
  /// Whether draws come in pairs ±ε; neutral: false.
  public var antithetic: Bool = false
  /// Noise draws per timestep and class; neutral: 1.
  public var draws: Int = 1
  /// Sampling strategy in canonical spelling, as `halving:5x10,1x50`; neutral: `full`.
  public var strategy: String = "full"
  /// Likelihood maximization before classifying; nil where the classifier has none.
  public var lm: LikelihoodMaximization?
  /// Purification before classifying; nil where the classifier has none.
  public var purification: Purification?
  /// Randomized smoothing of the classifier, all of the above included; nil: none.
  public var smoothing: Smoothing?

  /// What the operands of the networks' products are rounded to; neutral: `fp32`.
  public var precision: Precision = .fp32

  /// σ of the noise that the classified image has already, [−1, 1] units; 0 where the classifier takes
  /// it for clean.
  public var imageNoise: Double {
    classifier == .epndc ? 2 * (smoothing?.deviation ?? 0) : 0
  }

  /// Whether the classifier draws noise, so that it may answer an image in more than one way.
  public var isRandomized: Bool {
    smoothing != nil || classifier.weighsLosses || classifier.maximizesLikelihood
      || (classifier.purifies && purification?.process != .denoise)
  }

  /// A configuration with every other axis at its neutral default.
  public init(
    classifier: Classifier, model: String, grid: String = "", weights: String = ""
  ) {
    self.classifier = classifier
    self.model = model
    self.grid = grid
    self.weights = weights
  }
}

/// Parameters of likelihood maximization (the LM of RDC, arXiv 2305.15241).
public struct LikelihoodMaximization: Codable, Hashable, Sendable {
  /// Update rule.
  public enum Variant: String, Codable, CaseIterable, Sendable {
    /// The algorithm as printed.
    case paper
    /// The code that was published with it.
    case released
    /// Gradient steps averaged over the grid.
    case l2
  }

  /// Update rule.
  public var variant: Variant
  /// Number of gradient steps N.
  public var steps: Int
  /// Step size in [−1, 1] units: γ of `paper`, the Adam rate of `released`, η/N of `l2`.
  public var rate: Double
  /// Noise levels that σ is drawn from, uniformly, in [−1, 1] units.
  public var sigmaLow: Double
  /// Upper end of the noise levels.
  public var sigmaHigh: Double
  /// Bound on the movement, pixel units [0, 1]; nil: none.
  public var eta: Double?
  /// Momentum μ of the sign and the normalised-gradient steps.
  public var momentum: Double

  /// The parameters as given; `LikelihoodMaximization.defaults(_:)` has the published ones.
  public init(
    variant: Variant, steps: Int, rate: Double, sigmaLow: Double, sigmaHigh: Double, eta: Double?,
    momentum: Double
  ) {
    self.variant = variant
    self.steps = steps
    self.rate = rate
    self.sigmaLow = sigmaLow
    self.sigmaHigh = sigmaHigh
    self.eta = eta
    self.momentum = momentum
  }
}
