import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

/// Gradients through likelihood maximization.
@Suite struct PassageTests {
  private static let ways: [(LikelihoodMaximization.Variant, Double?)] = [
    (.released, nil), (.l2, nil), (.paper, 1), (.paper, 3),
  ]

  private func parameters(
    _ variant: LikelihoodMaximization.Variant, steps: Int, eta: Double
  ) -> LikelihoodMaximization {
    LikelihoodMaximization(
      variant: variant, steps: steps, rate: variant == .paper ? 0.03 : 0.1, sigmaLow: 0.4,
      sigmaHigh: 0.6, eta: variant == .released ? nil : eta,
      momentum: variant == .released ? 0.9 : 1)
  }

  /// Steps along the gradient of a quartic, whose Hessian is known, against finite differences;
  /// bounds that never bind, and bounds that do.
  @Test(arguments: ways, [(1, 5.0), (2, 5.0), (5, 5.0), (5, 0.03)])
  func stepsMatchFiniteDifferences(
    way: (LikelihoodMaximization.Variant, Double?), size: (steps: Int, eta: Double)
  ) {
    let p = parameters(way.0, steps: size.steps, eta: size.eta)
    let x: [Float] = [0.3, -0.5, 0.8, 0.1, -0.2, 0.6]
    let centre = [0.5, 0.2, -0.1, 0.4, -0.6, 0.0]
    func gradient(_ x: [Float]) -> [Double] {
      let coupling = zip(x, centre).reduce(0.0) { $0 + Double($1.0) - $1.1 }
      return zip(x, centre).map { x, c -> Double in
        let d = Double(x) - c
        return d * d * d + 0.2 * coupling
      }
    }
    func product(_ x: [Float], _ u: [Double]) -> [Double] {
      let sum = u.reduce(0, +)
      return x.indices.map { i -> Double in
        let d = Double(x[i]) - centre[i]
        return 3 * d * d * u[i] + 0.2 * sum
      }
    }
    func states(_ x: [Float]) -> [MaximizationState] {
      var all = [MaximizationState(x, p, smoothing: way.1)]
      for _ in 0..<size.steps {
        var next = all[all.count - 1]
        next.step(along: gradient(next.x))
        all.append(next)
      }
      return all
    }
    let cotangent = [1, -0.5, 0.3, 0.8, -1, 0.4]
    let path = states(x)
    var adjoint = MaximizationAdjoint(cotangent)
    for step in (0..<size.steps).reversed() {
      let g = gradient(path[step].x)
      let slope = path[step].pullback(&adjoint, along: g, to: path[step + 1])
      for (i, value) in product(path[step].x, slope).enumerated() { adjoint.x[i] += value }
    }
    for i in x.indices {
      var (a, b) = (x, x)
      a[i] += 2e-3
      b[i] -= 2e-3
      let width = Double(a[i]) - Double(b[i])
      func value(_ x: [Float]) -> Double {
        zip(states(x)[size.steps].x, cotangent).reduce(0.0) { $0 + Double($1.0) * $1.1 }
      }
      let expected = (value(a) - value(b)) / width
      // Float images over a step of 4e-3, and curvature over it.
      #expect(abs(expected - adjoint.x[i] - adjoint.start[i]) < 4e-3 * max(1, abs(expected)))
    }
  }

  /// What a step goes along is the slope of ‖D(x̂ + σε; σ) − x̂‖², averaged over pixels, itself, and no
  /// multiple of it: Adam's steps hide a factor until gradients are small.
  @Test func gradientsAreOfTheMeanError() throws {
    let denoiser = try shippedDenoiser()
    let grid = try NoiseGrid("linear:0.4:0.6:3")
    let maximizer = try LikelihoodMaximizer(
      DenoiserPool(denoiser, workers: WorkerPool(threads: 2)),
      parameters: .defaults(.released, grid: grid), grid: grid)
    let x = (0..<784).map { i -> Float in
      Float(0.6 * sin(Double(i / 28) / 3) * cos(Double(i % 28) / 4))
    }
    let noise = (0..<784).map { Float(1.4 * sin(Double($0 * $0 % 89))) }
    let gradient = try maximizer.gradient(at: x, .init(sigma: 0.5, noise: noise))
    let length = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let session = EDMDenoiser.Session(denoiser)
    func meanError(_ distance: Double) -> Double {
      let moved = x.indices.map { x[$0] + Float(distance * gradient[$0] / length) }
      var sum = 0.0
      session.evaluate([.init(image: moved, noise: noise, sigma: 0.5, label: nil)]) { _, residual in
        for i in residual.indices { sum += Double(residual[i]) * Double(residual[i]) }
      }
      return sum / 784
    }
    let slope = (meanError(0.05) - meanError(-0.05)) / 0.1
    #expect(abs(slope / length - 1) < 0.01, "\(slope) \(length)")
  }

  /// On the shipped denoiser the change along the gradient is the gradient's length: 6 %, of which
  /// Float32 and the central difference of the Hessian make the most.
  ///
  /// Not `released`: Adam's first step is nearly a sign, whose slope is a spike where the loss's own
  /// gradient is nearly zero; no difference of images wider than 1e-5 sees it (in Float64 those of
  /// 1e-7 do, and agree). It has a test of its own below.
  @Test(arguments: ways.filter { $0.0 != .released }, [1, 2])
  func imagesMoveAsTheGradientSays(
    way: (LikelihoodMaximization.Variant, Double?), steps: Int
  ) throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    let p = parameters(way.0, steps: steps, eta: 0.5)
    let maximizer = try LikelihoodMaximizer(
      pool, parameters: p, grid: try NoiseGrid("linear:0.4:0.6:3"))
    let smooth = (0..<784).map { i -> Float in
      let (y, x) = (Double(i / 28), Double(i % 28))
      return Float(0.5 + 0.3 * sin(x / 3) * cos(y / 4))
    }
    let cotangent = (0..<784).map { i -> Float in Float(cos(Double(i * i % 97))) }
    let gradient = try maximizer.pullback(
      of: cotangent, at: smooth, key: key, stream: defence, smoothing: way.1)
    let length = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    func value(_ sign: Double) throws -> Double {
      var moved = smooth
      for i in moved.indices { moved[i] += Float(sign * 0.05 / length * Double(gradient[i])) }
      let image = try maximizer.maximize(
        moved, key: key, stream: defence, smoothing: way.1
      ).image
      var sum = 0.0
      for i in image.indices { sum += Double(image[i]) * Double(cotangent[i]) }
      return sum
    }
    let (ahead, behind) = try (value(1), value(-1))
    let slope = (ahead - behind) / 0.1
    #expect(abs(slope / length - 1) < 0.06)
  }

  /// Against Float64 automatic differentiation through every step, second derivatives included, on the
  /// same draws; tolerance of the fixture's README.
  @Test(arguments: [1, 2, 5]) func releasedAgreesWithAutomaticDifferentiation(steps: Int) throws {
    let draws = try SafetensorsFile(path: fixture("likelihood-maximization-small"))
    let expected = try SafetensorsFile(path: fixture("released-gradient-small")).floats("gradient")
    let (x, sigma) = (try draws.floats("x"), try draws.floats("sigma"))
    let noise = try draws.floats("noise")
    let pool = DenoiserPool(try shippedDenoiser(), workers: WorkerPool(threads: 2))
    let maximizer = try LikelihoodMaximizer(
      pool, parameters: parameters(.released, steps: steps, eta: 1),
      grid: try NoiseGrid("linear:0.4:0.6:3"))
    let cotangent = (0..<784).map { Float(cos(Double($0 * $0 % 97))) }
    let row = try #require([1: 0, 2: 1, 5: 2][steps])
    for image in 0..<4 {
      let given = (0..<steps).map { step in
        let start = (step * 8 + image) * 784
        return LikelihoodMaximizer.Draw(
          sigma: sigma[step * 8 + image], noise: Array(noise[start..<start + 784]))
      }
      let found = try maximizer.pullback(
        of: cotangent, at: Array(x[image * 784..<(image + 1) * 784]), draws: given
      )
      let start = (row * 4 + image) * 784
      let error = relativeError(found, expected[start..<start + 784])
      #expect(error < 0.05, "\(steps) steps, image \(image): \(error)")
    }
  }

  @Test func waysThatAVariantHasNotAreRefused() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 1))
    let grid = try NoiseGrid("linear:0.4:0.6:3")
    func problem(
      _ variant: LikelihoodMaximization.Variant, _ gradient: AttackConfiguration.Gradient
    ) throws -> String? {
      try LikelihoodMaximizer(pool, parameters: .defaults(variant, grid: grid), grid: grid)
        .problem(gradient)
    }
    #expect(try problem(.paper, .exact)?.contains("smoothed") == true)
    #expect(try problem(.released, .smoothed)?.contains("exact") == true)
    #expect(try problem(.released, .exact) == nil && problem(.paper, .smoothed) == nil)
    #expect(try problem(.l2, .bpda) == nil)
  }
}
