import Basics
import Foundation
import Networks
import Records
import TensorCore

/// Likelihood maximization (LM): moves an image to where the unconditional denoiser finds it more
/// likely, min over x̂ of E ‖D(x̂ + σε; σ) − x̂‖².
///
/// **Source** arXiv 2305.15241, section 3.3 and algorithm 1.
public struct LikelihoodMaximizer: Purifier {
  /// What one step needs: the mean loss's gradient over these noise levels.
  public struct Draw: Sendable {
    /// Noise level.
    public var sigma: Float
    /// ε, `[C·H·W]`.
    public var noise: [Float]

    /// The draw as given.
    public init(sigma: Float, noise: [Float]) {
      self.sigma = sigma
      self.noise = noise
    }
  }

  private let pool: DenoiserPool
  let parameters: LikelihoodMaximization
  /// Noise levels that one step's gradient is averaged over: `l2` takes the grid's, the others draw one.
  private let sigmas: [Float]?

  /// - Parameters:
  ///   - pool: a denoiser with an unconditional mode.
  ///   - parameters: variant and constants.
  ///   - grid: the classifier's noise levels.
  /// - Throws: `ElbowError` for impossible parameters, or a denoiser that is conditional only.
  public init(
    _ pool: DenoiserPool, parameters: LikelihoodMaximization, grid: NoiseGrid
  ) throws {
    if let problem = parameters.problem { throw ElbowError(.malformed, problem) }
    guard pool.denoiser.isUnconditional else {
      throw ElbowError(
        .malformed,
        "likelihood maximization needs an unconditional model; name one with `lm-model`")
    }
    self.pool = pool
    self.parameters = parameters
    if parameters.variant == .l2 {
      let range = Float(parameters.sigmaLow)...Float(parameters.sigmaHigh)
      let inside = grid.levels.map(\.sigma).filter(range.contains)
      guard !inside.isEmpty else {
        throw ElbowError(
          .malformed,
          "`lm-sigma` \(parameters.sigmaLow):\(parameters.sigmaHigh) holds no noise level of the grid "
            + grid.spelling)
      }
      sigmas = inside
    } else {
      sigmas = nil
    }
  }

  public var isRandomized: Bool { true }

  public var cost: Cost {
    let steps = parameters.steps * (sigmas?.count ?? 1)
    return Cost(evaluations: steps, gradients: steps)
  }

  public func purify(
    _ image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> PurifiedImage {
    PurifiedImage(try maximize(image, key: key, stream: stream).image)
  }

  /// The image of higher likelihood, pixel units [0, 1], and what it took.
  public func maximize(
    _ image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> (image: [Float], cost: Cost) {
    try maximize(image, key: key, stream: stream, smoothing: nil)
  }

  /// With τ of a smoothed sign: what an attacker differentiates, not what the defence does.
  package func maximize(
    _ image: [Float], key: ImageKey, stream: NoiseStream, smoothing: Double?
  ) throws -> (image: [Float], cost: Cost) {
    var state = MaximizationState(modelUnits(image), parameters, smoothing: smoothing)
    for step in 0..<parameters.steps {
      state.step(along: try gradient(at: state.x, step: step, key: key, stream: stream))
    }
    return (state.x.map { min(max(($0 + 1) / 2, 0), 1) }, cost)
  }

  /// The steps on given noise, before the final clip to [0, 1].
  ///
  /// - Parameters:
  ///   - x: image, [−1, 1] units.
  ///   - draws: one a step.
  public func maximize(_ x: [Float], draws: [Draw]) throws -> [Float] {
    precondition(
      draws.count == parameters.steps, "\(draws.count) draws for \(parameters.steps) steps")
    var state = MaximizationState(x, parameters)
    for draw in draws {
      state.step(along: try gradient(at: state.x, draw))
    }
    return state.x
  }

  /// The gradient that a step goes along, on given noise.
  package func gradient(at x: [Float], _ draw: Draw) throws -> [Double] {
    try gradient(at: x, count: 1) { _, _ in draw }
  }

  /// The gradient that a step goes along, on the noise of the step.
  func gradient(
    at x: [Float], step: Int, key: ImageKey, stream: NoiseStream
  ) throws -> [Double] {
    let sigmas = self.sigmas
    return try gradient(at: x, count: sigmas?.count ?? 1) { slot, index in
      let lo = parameters.sigmaLow, hi = parameters.sigmaHigh
      // A step's σ comes first from the stream of the step, then, under the key of σ, its ε.
      var random = NoiseKey(stream, .maximization, key, draw: step).random()
      let sigma = sigmas?[index] ?? Float(lo + (hi - lo) * random.uniform())
      return Draw(
        sigma: sigma,
        noise: slot.draw(NoiseKey(stream, .maximization, key, sigma: sigma, draw: step)))
    }
  }

  /// ∇ of the mean over `count` noise levels of ‖D(x̂ + σε; σ) − x̂‖², through both x̂'s, averaged
  /// over pixels.
  private func gradient(
    at x: [Float], count: Int,
    draw: @Sendable (_ slot: DenoiserPool.Slot, _ index: Int) -> Draw
  ) throws -> [Double] {
    let lanes = LaneSums(count: min(count, 64), length: x.count)
    try pool.forEach(lanes.count) { lane, slot in
      for index in stride(from: lane, to: count, by: lanes.count) {
        let draw = draw(slot, index)
        // Half the gradient of ‖r‖² is the pullback of r itself.
        try slot.differentiate(
          DenoisingQuery(image: x, noise: draw.noise, sigma: draw.sigma, label: nil),
          of: ResidualCotangent(.residual, factors: [1]))
        lanes.add(slot.gradient, times: 2 / Double(x.count * count), to: lane)
      }
    }
    return lanes.total
  }
}
