import Basics
import Foundation
import Networks
import Records
import TensorCore

/// Diffusion purification: the image is diffused to σ, x_σ = x + σε, and brought back from there by
/// the unconditional denoiser.
///
/// The noise levels fall as in EDM, σ_i^(1/ρ) evenly spaced with ρ = 7, from σ to 0.002 in N levels
/// and then to 0. With r = D(x; σ) − x a step from σ to σ′ is
///
///     ode   x′ = x + (σ − σ′)/2·(r(x; σ)/σ + r(x̃; σ′)/σ′)    x̃ = x + (1 − σ′/σ)·r(x; σ)
///     sde   x′ = x + (1 − σ′²/σ²)·r(x; σ) + σ′√(1 − σ′²/σ²)·z
///
/// Heun's method on the probability-flow ODE, whose last step is Euler's, and ancestral sampling, the
/// reverse of the diffusion from σ′ to σ with D in the place of the unknown image. Both end at D. Of an
/// image that has noise of level σ already, `denoise` is D(x; σ) itself. Of several draws the purified
/// image is the mean: with one step it tends to E D(x + σε; σ), through which a change of x reaches the
/// classifier as smoothly as σ makes it.
///
/// **Source** Nie et al. 2022 (arXiv 2205.07460); Karras et al. 2022 (arXiv 2206.00364), algorithm 1;
/// Song et al. 2021 (arXiv 2011.13456), appendix F; Carlini et al. 2023 (arXiv 2206.10550), algorithm 1.
public struct DiffusionPurifier: Purifier {
  /// The way back from the last level but 0.
  private static let lowest = 0.002
  /// ρ.
  private static let exponent = 7.0

  private let pool: DenoiserPool
  private let purification: Purification
  /// From σ down to 0.
  let levels: [Double]

  /// - Parameters:
  ///   - pool: a denoiser with an unconditional mode.
  ///   - purification: how far and how finely.
  /// - Throws: `ElbowError` for impossible parameters, or a denoiser that is conditional only.
  public init(_ pool: DenoiserPool, _ purification: Purification) throws {
    let (sigma, steps) = (purification.sigma, purification.steps)
    guard sigma > Self.lowest, sigma <= 1000 else {
      throw ElbowError(
        .malformed,
        "`purify` diffuses to a noise level above \(Self.lowest) and at most 1000, got \(sigma); "
          + "usual is 0.34")
    }
    guard (1...10_000).contains(steps) else {
      throw ElbowError(.malformed, "`purify` takes 1 to 10000 steps back, got \(steps)")
    }
    guard (1...10_000).contains(purification.draws) else {
      throw ElbowError(
        .malformed, "`purify` takes the mean of 1 to 10000 draws, got \(purification.draws)")
    }
    guard pool.denoiser.isUnconditional else {
      throw ElbowError(
        .malformed, "purification needs an unconditional model; name one with `lm-model`")
    }
    (self.pool, self.purification) = (pool, purification)
    levels = Self.levels(from: sigma, steps)
  }

  private static func levels(from sigma: Double, _ steps: Int) -> [Double] {
    let high = pow(sigma, 1 / exponent)
    let low = pow(lowest, 1 / exponent)
    var levels = [sigma]
    for i in 1..<max(steps, 1) {
      levels.append(pow(high + Double(i) / Double(steps - 1) * (low - high), exponent))
    }
    return levels + [0]
  }

  public var isRandomized: Bool { purification.process != .denoise }

  public var cost: Cost {
    let steps = purification.steps
    return Cost(
      evaluations: purification.draws * (purification.process == .ode ? 2 * steps - 1 : steps))
  }

  public func purify(
    _ image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> PurifiedImage {
    try pool.withSlot { try walk(modelUnits(image), key, stream, $0) }
  }

  /// The vector–Jacobian products of the denoiser from the last step to the first.
  ///
  /// Each runs the network forward again at a point of the path: the activations of one evaluation at
  /// a time are held, however many steps there are.
  public func pullback(
    of cotangent: [Float], at image: [Float], through purified: PurifiedImage, key: ImageKey,
    stream: NoiseStream, smoothing: Double?
  ) throws -> [Float] {
    try pool.withSlot { try walkBack(cotangent, purified.path, $0) }
  }

  /// Of `denoise` many images go through the network in groups, and what the way back needs is kept.
  public func passes(
    of images: [DrawnImage], key: ImageKey, keepsForBackward keeps: Bool, smoothing: Double?
  ) throws -> PurificationPasses {
    guard purification.process == .denoise, pool.denoiser.keptBytes != nil else {
      return try separatePasses(of: images, key: key, smoothing: smoothing)
    }
    let zeros = [Float](repeating: 0, count: pool.denoiser.shape.count)
    let queries = QueryGroups(
      pool,
      images.map {
        DenoisingQuery(
          image: modelUnits($0.image), noise: zeros, sigma: Float(levels[0]), label: nil)
      }, keepsForBackward: keeps)
    let ends = zip(queries.queries, try queries.residuals()).map { query, residual in
      zip(query.image, residual).map { $0 + $1 }
    }
    return PurificationPasses(images: ends.map(Self.pixels)) { cotangents in
      let slopes = zip(cotangents, ends).map { Self.slope($0, at: $1) }
      return zip(slopes, try queries.gradients(of: slopes)).map { slope, gradient in
        zip(slope, gradient).map { 2 * ($0 + $1) }
      }
    }
  }

  /// Clipped to [0, 1] from [−1, 1] units.
  private static func pixels(_ end: [Float]) -> [Float] {
    end.map { min(max(($0 + 1) / 2, 0), 1) }
  }

  /// The cotangent of an end, of that of its pixels, (x + 1)/2 clipped.
  private static func slope(_ cotangent: [Float], at end: [Float]) -> [Float] {
    zip(cotangent, end).map { $1.magnitude <= 1 ? $0 / 2 : 0 }
  }

  /// An evaluation counts once, with a backward pass or without: that of `denoise` was counted on the
  /// way there. The others' paths are evaluated again.
  public func pullbackCost(_ gradient: AttackConfiguration.Gradient) -> Cost {
    if gradient == .bpda { return Cost() }
    let evaluations = cost.evaluations
    return Cost(
      evaluations: purification.process == .denoise ? 0 : evaluations, gradients: evaluations)
  }

  public func problem(_ gradient: AttackConfiguration.Gradient) -> String? {
    gradient == .smoothed
      ? "purification by diffusion has no sign to smooth; take the gradient exact or bpda" : nil
  }

  /// One step back, and what it weighs its terms with.
  private struct Step {
    let from, to: Double
    /// Of r in Euler's step.
    var euler: Double { 1 - to / from }
    /// Of both r in Heun's.
    var halves: (first: Double, second: Double) {
      ((from - to) / (2 * from), (from - to) / (2 * to))
    }
    /// Of r in the ancestral step.
    var ancestral: Double { 1 - to * to / (from * from) }
    /// Of its noise.
    var deviation: Double { to * ancestral.squareRoot() }
  }

  private var steps: [Step] { zip(levels, levels.dropFirst()).map { Step(from: $0, to: $1) } }

  private func walk(
    _ image: [Float], _ key: ImageKey, _ stream: NoiseStream, _ slot: DenoiserPool.Slot
  ) throws -> PurifiedImage {
    var path: [[Float]] = []
    var mean = [Float](repeating: 0, count: image.count)
    for draw in 0..<purification.draws {
      let end = try walk(image, draw: draw, key, stream, slot, along: &path)
      Self.add(1 / Double(purification.draws), end, to: &mean)
    }
    path.append(mean)
    var result = PurifiedImage(Self.pixels(mean))
    result.path = path
    return result
  }

  /// There and back once; the points that the denoiser was asked at go to `path`.
  private func walk(
    _ image: [Float], draw: Int, _ key: ImageKey, _ stream: NoiseStream,
    _ slot: DenoiserPool.Slot, along path: inout [[Float]]
  ) throws -> [Float] {
    var x = image
    let zeros = [Float](repeating: 0, count: x.count)
    func residual(_ x: [Float], _ sigma: Double) throws -> [Float] {
      var r: [Float] = []
      path.append(x)
      let query = DenoisingQuery(image: x, noise: zeros, sigma: Float(sigma), label: nil)
      try slot.evaluate([query]) { r = Array($1) }
      return r
    }
    func noise(_ sigma: Double, step: Int) -> [Float] {
      let place = draw * (steps.count + 1) + step
      var random = NoiseKey(stream, .purification, key, sigma: Float(sigma), draw: place).random()
      var values = zeros
      var span = values.mutableSpan
      random.gaussians(into: &span)
      return values
    }
    if isRandomized { Self.add(levels[0], noise(levels[0], step: 0), to: &x) }
    for (index, step) in steps.enumerated() {
      let r = try residual(x, step.from)
      switch purification.process {
      case .ode where step.to > 0:
        var ahead = x
        Self.add(step.euler, r, to: &ahead)
        Self.add(step.halves.first, r, to: &x)
        Self.add(step.halves.second, try residual(ahead, step.to), to: &x)
      case .ode, .denoise:
        Self.add(step.euler, r, to: &x)
      case .sde:
        Self.add(step.ancestral, r, to: &x)
        if step.to > 0 { Self.add(step.deviation, noise(step.to, step: index + 1), to: &x) }
      }
    }
    return x
  }

  private func walkBack(
    _ cotangent: [Float], _ path: [[Float]], _ slot: DenoiserPool.Slot
  ) throws -> [Float] {
    var points = path[...]
    let share = 1 / Float(purification.draws)
    let end = Self.slope(cotangent, at: points.removeLast()).map { share * $0 }
    let zeros = [Float](repeating: 0, count: end.count)
    /// (∂r/∂x)ᵀv at the last point that is left.
    func product(_ sigma: Double, _ v: [Float]) throws -> [Float] {
      let query = DenoisingQuery(
        image: points.removeLast(), noise: zeros, sigma: Float(sigma), label: nil)
      try slot.differentiate(query, by: v)
      return slot.gradient
    }
    var total = zeros
    for _ in 0..<purification.draws {
      var adjoint = end
      for step in steps.reversed() {
        // Of r at the step's beginning.
        var slope = zeros
        switch purification.process {
        case .ode where step.to > 0:
          let ahead = try product(step.to, adjoint.map { Float(step.halves.second) * $0 })
          Self.add(step.halves.first, adjoint, to: &slope)
          Self.add(step.euler, ahead, to: &slope)
          Self.add(1, ahead, to: &adjoint)
        case .ode, .denoise: Self.add(step.euler, adjoint, to: &slope)
        case .sde: Self.add(step.ancestral, adjoint, to: &slope)
        }
        Self.add(1, try product(step.from, slope), to: &adjoint)
      }
      Self.add(2, adjoint, to: &total)
    }
    return total
  }

  /// x ← x + factor·y.
  private static func add(_ factor: Double, _ y: [Float], to x: inout [Float]) {
    let factor = Float(factor)
    for i in x.indices { x[i] += factor * y[i] }
  }
}
