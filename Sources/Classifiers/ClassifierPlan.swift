import Basics
import Foundation
import Records
import TensorCore

/// A configuration resolved for one model: noise levels, weights and strategy, checked.
public struct ClassifierPlan: Sendable {
  /// As it is recorded: grid and strategy in canonical spelling.
  public let configuration: Configuration
  /// Noise levels.
  public let grid: NoiseGrid
  /// w_i = ω(σ_i)·Δσ_i, `[T]`.
  public let gridWeights: [Double]
  /// w_i with the strategy's emphasis, `[T]`.
  public let weights: [Double]
  /// Which losses are asked for.
  public let strategy: any SamplingStrategy
  /// Number of classes K.
  public let classCount: Int
  /// Size of the images.
  public let shape: ImageShape

  /// Resolves `configuration` for a model of `classCount` classes and images of `shape`.
  ///
  /// - Parameter recorded: levels of a run of another program, whose grid, or whose weights, may have a
  ///   spelling of its own: then they are what is recorded.
  /// - Throws: `ElbowError`, saying what is wrong and what to do.
  public init(
    _ configuration: Configuration, classCount: Int, shape: ImageShape,
    recorded: [TimestepRecord] = []
  ) throws {
    guard classCount >= 2 else {
      throw ElbowError(
        .malformed,
        "the model is unconditional and cannot classify; use it as `lm-model`, or take a "
          + "class-conditional one")
    }
    if let problem = configuration.problem(classCount: classCount) {
      throw ElbowError(.malformed, problem)
    }
    let grid =
      try NoiseGrid(recorded, spelled: configuration.grid) ?? NoiseGrid(configuration.grid)
    if !recorded.isEmpty, NoiseWeights(rawValue: configuration.weights) == nil {
      gridWeights = recorded.map(\.weight)
    } else {
      let omega = try NoiseWeights(configuration.weights)
      gridWeights = grid.levels.map { omega(Double($0.sigma)) * $0.width }
    }
    for (level, weight) in zip(grid.levels, gridWeights) where !(weight.isFinite && weight >= 0) {
      throw ElbowError(
        .malformed,
        "weights '\(configuration.weights)' are \(weight) at σ = \(level.sigma); move the grid "
          + "\(grid.spelling) away from there")
    }
    let noise = configuration.imageNoise
    guard let lowest = grid.levels.first?.sigma, Double(lowest) > noise else {
      throw ElbowError(
        .malformed,
        "`classifier` epndc needs levels above the noise that its images have, σ = \(noise), twice that of "
          + "`randomized-smoothing`; the grid \(grid.spelling) begins at \(grid.levels[0].sigma)")
    }
    guard gridWeights.contains(where: { $0 > 0 }) else {
      throw ElbowError(
        .malformed,
        "weights '\(configuration.weights)' vanish on the whole grid \(grid.spelling)")
    }
    let strategy = try SamplingStrategies.parse(
      configuration.strategy, grid: grid, classCount: classCount)
    weights = gridWeights.enumerated().map { strategy.emphasis(of: $0) * $1 }
    self.strategy = strategy
    self.grid = grid
    self.classCount = classCount
    self.shape = shape
    var canonical = configuration
    canonical.grid = grid.spelling
    canonical.strategy = strategy.spelling
    self.configuration = canonical
  }

  /// Draws per timestep and class.
  var draws: Int { configuration.draws }

  /// The grid as a run records it.
  public var timestepRecords: [TimestepRecord] {
    let shared = strategy.sharedTimesteps(of: grid.count)
    let factor = shared.map { strategy.factor(asked: $0.count, of: grid.count) }
    let asked = Set(shared ?? [])
    return grid.levels.indices.map { i in
      TimestepRecord(
        index: i, sigma: Double(grid.levels[i].sigma), weight: gridWeights[i],
        strategyWeight: asked.contains(i) ? factor.map { $0 * weights[i] } : nil)
    }
  }

  /// ln p(y) up to the uniform prior's constant.
  func logPrior(_ label: Int) -> Double { configuration.prior.map { log($0[label]) } ?? 0 }

  /// Factor from Σ w_i·ℓ_i over the timesteps asked for to −ELBO_y·s.
  func lossScale(asked: Int) -> Double {
    let pixels = configuration.reduction == .mean ? Double(shape.count) : 1
    let factor = strategy.factor(asked: max(asked, 1), of: grid.count)
    return configuration.logitScale * factor / pixels
  }

  /// Whether one network evaluation answers for all classes at a timestep and draw: that of a
  /// multi-head denoiser does, unless the classes have noise of their own.
  public func sharesEvaluations(isMultiHead: Bool) -> Bool {
    isMultiHead && configuration.noise == .shared
  }

  /// The classes in parts that are evaluated in one call: of one noise, and, unless they share the
  /// evaluation, not more than keeps all threads busy.
  func parts(
    of classes: [Int], sharingEvaluations: Bool, atMost limit: Int
  ) -> [ArraySlice<Int>] {
    let most = configuration.noise == .fresh ? 1 : sharingEvaluations ? classes.count : limit
    let size = min(max(most, 1), max(classes.count, 1))
    return stride(from: 0, to: classes.count, by: size).map {
      classes[$0..<min($0 + size, classes.count)]
    }
  }

  /// Names the noise of one loss.
  ///
  /// Antithetic draws 2j and 2j + 1 share the key of draw j, the second negated.
  func noiseKey(
    _ stream: NoiseStream, _ image: ImageKey, timestep: Int, draw: Int, label: Int
  ) -> (key: NoiseKey, negated: Bool) {
    let c = configuration
    let key = NoiseKey(
      stream, .classification, image, sigma: c.sharesTimesteps ? 0 : grid.levels[timestep].sigma,
      draw: c.antithetic ? draw / 2 : draw, label: c.noise == .fresh ? label : nil)
    return (key, c.antithetic && draw % 2 == 1)
  }
}

extension Configuration {
  /// What is wrong with the axes that are plain numbers, nil where nothing is.
  fileprivate func problem(classCount: Int) -> String? {
    if !(logitScale.isFinite && logitScale > 0) {
      return "`logit-scale` must be positive, got \(logitScale)"
    }
    if classifier == .epndc, smoothing == nil {
      return "`classifier` epndc is of images with noise: add `randomized-smoothing`, as 0.25"
    }
    if !(1...1_000_000).contains(draws) { return "`draws` must be 1 to 1000000, got \(draws)" }
    if antithetic, !draws.isMultiple(of: 2) {
      return "`antithetic` draws in pairs: `draws` must be even, got \(draws)"
    }
    guard let prior else { return nil }
    if prior.count != classCount {
      return
        "`prior` has \(prior.count.counted("probability")), the model has \(classCount.counted("class"))"
    }
    if !prior.allSatisfy({ $0.isFinite && $0 > 0 }) || abs(prior.reduce(0, +) - 1) >= 1e-6 {
      return "`prior` needs positive probabilities that sum to 1"
    }
    return nil
  }
}
