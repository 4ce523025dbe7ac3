import Foundation
import Records
import TensorCore

/// A configuration resolved for one model: levels, weights and strategy, checked.
public struct ClassifierPlan: Sendable {
  /// Noise levels.
  public let grid: NoiseGrid
  /// w_i = ω(σ_i)·Δσ_i, `[T]`.
  public let weights: [Double]
  /// Which losses are asked for.
  public let strategy: any SamplingStrategy
  /// Error norm.
  public let loss: Configuration.Loss
  /// Pixel reduction.
  public let reduction: Configuration.Reduction
  /// Factor s on the ELBO.
  public let logitScale: Double
  /// Class prior, `[K]`; nil: uniform.
  public let prior: [Double]?
  /// Noise sharing.
  public let noise: Configuration.Noise
  /// Whether all timesteps see the same ε.
  public let sharesTimesteps: Bool
  /// Whether draws come in pairs ±ε.
  public let antithetic: Bool
  /// Draws per timestep and class.
  public let draws: Int
  /// Number of classes K.
  public let classCount: Int
  /// Size of the images.
  public let shape: ImageShape

  /// Resolves `configuration` for a model of `classCount` classes and images of `shape`.
  ///
  /// - Throws: `ConfigurationError`, saying what is wrong and what to do.
  public init(_ configuration: Configuration, classCount: Int, shape: ImageShape) throws {
    guard classCount >= 2 else {
      throw ConfigurationError(
        "the model is unconditional and cannot classify; use it as --lm-model, or take a "
          + "class-conditional one")
    }
    let grid = try NoiseGrid(configuration.grid)
    let weights = try NoiseWeights(configuration.weights)
    self.grid = grid
    self.weights = grid.levels.map { weights(Double($0.sigma)) * $0.width }
    for (level, weight) in zip(grid.levels, self.weights) where !(weight.isFinite && weight >= 0) {
      throw ConfigurationError(
        "weights '\(configuration.weights)' are \(weight) at σ = \(level.sigma); move the grid "
          + "\(grid.spelling) away from there")
    }
    guard self.weights.contains(where: { $0 > 0 }) else {
      throw ConfigurationError(
        "weights '\(configuration.weights)' vanish on the whole grid \(grid.spelling)")
    }
    strategy = try SamplingStrategies.parse(
      configuration.strategy, grid: grid, classCount: classCount)
    loss = configuration.loss
    reduction = configuration.reduction
    logitScale = configuration.logitScale
    guard logitScale.isFinite, logitScale > 0 else {
      throw ConfigurationError("--logit-scale must be positive, got \(logitScale)")
    }
    prior = configuration.prior
    if let prior {
      guard prior.count == classCount else {
        throw ConfigurationError(
          "--prior has \(prior.count) probabilities, the model has \(classCount) classes")
      }
      guard prior.allSatisfy({ $0.isFinite && $0 > 0 }), abs(prior.reduce(0, +) - 1) < 1e-6 else {
        throw ConfigurationError("--prior needs positive probabilities that sum to 1")
      }
    }
    noise = configuration.noise
    sharesTimesteps = configuration.sharesTimesteps
    antithetic = configuration.antithetic
    draws = configuration.draws
    guard (1...1_000_000).contains(draws) else {
      throw ConfigurationError("--draws must be 1 to 1000000, got \(draws)")
    }
    guard !antithetic || draws.isMultiple(of: 2) else {
      throw ConfigurationError("--antithetic draws in pairs: --draws must be even, got \(draws)")
    }
    self.classCount = classCount
    self.shape = shape
  }

  /// What `configuration` is stored as: its grid and strategy in canonical spelling.
  ///
  /// - Throws: `ConfigurationError` as `init`.
  public static func canonical(
    _ configuration: Configuration, classCount: Int, shape: ImageShape
  ) throws -> Configuration {
    let plan = try ClassifierPlan(configuration, classCount: classCount, shape: shape)
    var result = configuration
    result.grid = plan.grid.spelling
    result.strategy = plan.strategy.spelling
    return result
  }

  /// The grid as a run records it.
  public var timestepRecords: [TimestepRecord] {
    let shared = strategy.sharedTimesteps(of: grid.count)
    let factor = shared.map { strategy.factor(asked: $0.count, of: grid.count) }
    let asked = Set(shared ?? [])
    return grid.levels.indices.map { i in
      TimestepRecord(
        index: i, sigma: Double(grid.levels[i].sigma), weight: weights[i],
        strategyWeight: asked.contains(i) ? factor.map { $0 * weights[i] } : nil)
    }
  }

  /// ln p(y) up to the uniform prior's constant.
  func logPrior(_ label: Int) -> Double { prior.map { log($0[label]) } ?? 0 }

  /// Factor from Σ w_i·ℓ_i over the timesteps asked for to −ELBO_y·s.
  func lossScale(asked: Int) -> Double {
    let pixels = reduction == .mean ? Double(shape.count) : 1
    return logitScale * strategy.factor(asked: max(asked, 1), of: grid.count) / pixels
  }

  /// Names the noise of one loss.
  ///
  /// Antithetic draws 2j and 2j + 1 share the key of draw j, the second negated.
  func noiseKey(
    _ stream: NoiseStream, _ image: ImageKey, timestep: Int, draw: Int, label: Int
  ) -> (key: NoiseKey, negated: Bool) {
    let key = NoiseKey(
      stream, .classification, image, sigma: sharesTimesteps ? 0 : grid.levels[timestep].sigma,
      draw: antithetic ? draw / 2 : draw, label: noise == .fresh ? label : nil)
    return (key, antithetic && draw % 2 == 1)
  }
}
