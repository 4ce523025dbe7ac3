import Basics
import Foundation
import Networks
import Records
import TensorCore

/// Likelihood maximization (LM): moves an image to where the unconditional denoiser finds it more
/// likely, min over x̂ of E ‖D(x̂ + σε; σ) − x̂‖².
///
/// **Source** arXiv 2305.15241, section 3.3 and algorithm 1.
public struct LikelihoodMaximizer: Sendable {
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
  private let parameters: LikelihoodMaximization
  /// Levels that one step's gradient is averaged over: `l2` takes the grid's, the others draw one.
  private let levels: [Float]?

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
          "`lm-sigma` \(parameters.sigmaLow):\(parameters.sigmaHigh) holds no level of the grid "
            + grid.spelling)
      }
      levels = inside
    } else {
      levels = nil
    }
  }

  /// What maximizing the likelihood of one image takes.
  public var cost: Cost {
    let steps = parameters.steps * (levels?.count ?? 1)
    return Cost(evaluations: steps, gradients: steps)
  }

  /// The image of higher likelihood, pixel units [0, 1], and what it took.
  public func maximize(
    _ image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> (image: [Float], cost: Cost) {
    let levels = self.levels
    let perStep = levels?.count ?? 1
    let x = try maximize(modelUnits(image), count: perStep) { step, index in
      let lo = parameters.sigmaLow, hi = parameters.sigmaHigh
      // A step's σ comes first from the stream of the step, then, under the key of σ, its ε.
      var random = NoiseKey(stream, .maximization, key, draw: step).random()
      let sigma = levels?[index] ?? Float(lo + (hi - lo) * random.uniform())
      return NoiseKey(stream, .maximization, key, sigma: sigma, draw: step)
    }
    return (x.map { min(max(($0 + 1) / 2, 0), 1) }, cost)
  }

  /// The steps on given noise, before the final clip to [0, 1].
  ///
  /// - Parameters:
  ///   - x: image, [−1, 1] units.
  ///   - draws: one a step.
  public func maximize(_ x: [Float], draws: [Draw]) throws -> [Float] {
    precondition(
      draws.count == parameters.steps, "\(draws.count) draws for \(parameters.steps) steps")
    var state = State(x, parameters)
    for draw in draws {
      let gradient = try self.gradient(at: state.x, count: 1) { slot, _ in
        slot.take(draw.noise)
        return draw.sigma
      }
      state.step(along: gradient)
    }
    return state.x
  }

  private func maximize(
    _ x: [Float], count: Int, key: @Sendable (_ step: Int, _ index: Int) -> NoiseKey
  ) throws -> [Float] {
    var state = State(x, parameters)
    for step in 0..<parameters.steps {
      let gradient = try self.gradient(at: state.x, count: count) { slot, index in
        let key = key(step, index)
        slot.draw(key)
        return key.sigma
      }
      state.step(along: gradient)
    }
    return state.x
  }

  /// ∇ of the mean over `count` noise levels of ‖D(x̂ + σε; σ) − x̂‖², through both x̂'s, averaged
  /// over pixels.
  private func gradient(
    at x: [Float], count: Int,
    prepare: @Sendable (_ slot: DenoiserPool.Slot, _ index: Int) -> Float
  ) throws -> [Double] {
    let lanes = LaneSums(count: min(count, 64), length: x.count)
    try pool.forEach(lanes.count) { lane, slot in
      for index in stride(from: lane, to: count, by: lanes.count) {
        let sigma = prepare(slot, index)
        // Half the gradient of ‖r‖² is the pullback of r itself.
        slot.differentiate(x, sigma: sigma, labels: [nil]) { _, _ in }
        lanes.add(slot.gradient, times: 2 / Double(x.count * count), to: lane)
      }
    }
    return lanes.total
  }

  /// x̂ with the optimizer's moments.
  private struct State {
    private let start: [Float]
    private(set) var x: [Float]
    private var m: [Double]
    private var v: [Double]
    private var steps = 0
    private let p: LikelihoodMaximization

    init(_ x: [Float], _ parameters: LikelihoodMaximization) {
      (start, self.x, p) = (x, x, parameters)
      m = Array(repeating: 0, count: x.count)
      v = m
    }

    mutating func step(along g: [Double]) {
      steps += 1
      switch p.variant {
      case .paper:
        // m ← μm − g/‖g‖₁, x̂ ← clip(x̂ + γ·sign m) to ‖x̂ − x‖∞ ≤ η.
        accumulate(g, norm: g.reduce(0) { $0 + $1.magnitude })
        let bound = Float(2 * (p.eta ?? .infinity))
        for i in x.indices {
          let moved = x[i] + Float(p.rate) * (m[i] > 0 ? 1 : m[i] < 0 ? -1 : 0)
          x[i] = min(max(moved, start[i] - bound), start[i] + bound)
        }
      case .l2:
        // m ← μm − g/‖g‖₂, x̂ ← x̂ + (η/N)·m/‖m‖₂, pulled back to ‖x̂ − x‖₂ ≤ η.
        accumulate(g, norm: g.reduce(0) { $0 + $1 * $1 }.squareRoot())
        let length = m.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0 else { return }
        var delta = x.indices.map { Double(x[$0] - start[$0]) + p.rate * m[$0] / length }
        let distance = delta.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let bound = 2 * (p.eta ?? .infinity)
        if distance > bound { delta = delta.map { $0 * bound / distance } }
        for i in x.indices { x[i] = start[i] + Float(delta[i]) }
      case .released:
        // Adam, β = (μ, 0.999), ε = 1e-8.
        let (b1, b2) = (p.momentum, 0.999)
        let (c1, c2) = (1 - pow(b1, Double(steps)), 1 - pow(b2, Double(steps)))
        for i in x.indices {
          m[i] = b1 * m[i] + (1 - b1) * g[i]
          v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i]
          x[i] -= Float(p.rate * (m[i] / c1) / ((v[i] / c2).squareRoot() + 1e-8))
        }
      }
    }

    private mutating func accumulate(_ g: [Double], norm: Double) {
      for i in m.indices { m[i] = p.momentum * m[i] - (norm > 0 ? g[i] / norm : 0) }
    }
  }
}
