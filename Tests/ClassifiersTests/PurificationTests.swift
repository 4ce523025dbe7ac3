import Basics
import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

/// The best denoiser of N(0, s²) data: D(x; σ) = s²/(s² + σ²)·x, of which the way back is known.
private struct GaussianDenoiser: Denoiser {
  let shape: ImageShape
  let deviation: Double
  var classCount: Int { 0 }
  var isUnconditional: Bool { true }
  var isMultiHead: Bool { false }

  func makeSession() -> any DenoiserSession { Session(variance: deviation * deviation) }

  /// c of D = c·x.
  static func share(_ variance: Double, _ sigma: Double) -> Double {
    variance / (variance + sigma * sigma)
  }

  private final class Session: DenoiserSession {
    let variance: Double
    init(variance: Double) { self.variance = variance }

    func residuals(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into residuals: inout MutableSpan<Float>
    ) {
      let c = Float(GaussianDenoiser.share(variance, Double(sigma)))
      for i in image.indices { residuals[i] = (c - 1) * image[i] + c * sigma * noise[i] }
    }

    func gradient(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into gradient: inout MutableSpan<Float>,
      cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void
    ) {
      var values = [Float](repeating: 0, count: image.count)
      var span = values.mutableSpan
      residuals(image: image, noise: noise, sigma: sigma, labels: labels, into: &span)
      cotangent(0, &span)
      let c = Float(GaussianDenoiser.share(variance, Double(sigma)))
      for i in image.indices { gradient[i] = (c - 1) * span[i] }
    }
  }
}

@Suite struct PurificationTests {
  private static let ways: [Purification] = [
    Purification(.ode, sigma: 0.34, steps: 1), Purification(.ode, sigma: 0.34, steps: 3),
    Purification(.sde, sigma: 0.34, steps: 1), Purification(.sde, sigma: 0.5, steps: 3),
    Purification(.ode, sigma: 0.34, steps: 2, draws: 3),
    Purification(.sde, sigma: 0.5, steps: 2, draws: 2),
    Purification(.denoise, sigma: 0.5, steps: 1),
  ]
  /// Grey, so that no pixel is clipped.
  private static let smooth = (0..<784).map { i -> Float in
    Float(0.5 + 0.2 * sin(Double(i % 28) / 3) * cos(Double(i / 28) / 4))
  }

  private func pool(threads: Int = 2) throws -> DenoiserPool {
    DenoiserPool(try shippedDenoiser(), workers: WorkerPool(threads: threads))
  }

  /// N(0, s²) data: the ODE takes x_σ to x_σ·s/√(s² + σ²). Of a method of second order the error falls
  /// fourfold where the steps are halved.
  @Test func odeEndsWhereItsSolutionDoes() throws {
    let shape = ImageShape(channels: 1, height: 16, width: 16)
    let (deviation, sigma) = (0.3, 0.5)
    let pool = DenoiserPool(
      GaussianDenoiser(shape: shape, deviation: deviation), workers: WorkerPool(threads: 1))
    let image = (0..<shape.count).map { 0.4 + 0.2 * Float($0) / Float(shape.count) }
    var random = NoiseKey(defence, .purification, key, sigma: Float(sigma)).random()
    var noise = [Float](repeating: 0, count: shape.count)
    var span = noise.mutableSpan
    random.gaussians(into: &span)
    let factor = deviation / (deviation * deviation + sigma * sigma).squareRoot()
    let expected = zip(image, noise).map { pixel, e in
      min(max((factor * (2 * Double(pixel) - 1 + sigma * Double(e)) + 1) / 2, 0), 1)
    }
    let errors = try [8, 16, 32].map { steps -> Double in
      let found = try DiffusionPurifier(pool, Purification(.ode, sigma: sigma, steps: steps))
        .purify(image, key: key, stream: defence).image
      return zip(found, expected).map { abs(Double($0) - $1) }.max() ?? 1
    }
    #expect(errors[2] < 1e-3)
    #expect(errors[0] / errors[1] > 3 && errors[1] / errors[2] > 3, "\(errors)")
  }

  /// Mean and variance of the ancestral chain on N(0, s²) data, worked out in Double: 7 draws of
  /// 4,096 pixels, five standard errors. Noise that is drawn twice would give another variance; the
  /// mean of so many ways has a part of it.
  @Test(arguments: [1, 3]) func sdeHasTheVarianceOfItsSteps(draws: Int) throws {
    let shape = ImageShape(channels: 1, height: 64, width: 64)
    let (deviation, sigma, steps) = (0.2, 0.5, 4)
    let pool = DenoiserPool(
      GaussianDenoiser(shape: shape, deviation: deviation), workers: WorkerPool(threads: 1))
    let image = [Float](repeating: 0.6, count: shape.count)
    let (top, low) = (pow(sigma, 1 / 7), pow(0.002, 1 / 7.0))
    var levels = (0..<steps).map { pow(top + Double($0) / Double(steps - 1) * (low - top), 7) }
    levels.append(0)
    var (mean, variance) = (0.2, sigma * sigma)
    for (from, to) in zip(levels, levels.dropFirst()) {
      let share = 1 - to * to / (from * from)
      let c = GaussianDenoiser.share(deviation * deviation, from)
      let factor = 1 + share * (c - 1)
      mean *= factor
      variance = factor * factor * variance + to * to * share
    }
    variance /= Double(draws)
    let purifier = try DiffusionPurifier(
      pool, Purification(.sde, sigma: sigma, steps: steps, draws: draws))
    var values: [Double] = []
    for seed in 0..<7 {
      let stream = NoiseStream(seed: UInt64(seed), owner: .defence)
      values += try purifier.purify(image, key: key, stream: stream).image.map {
        2 * Double($0) - 1
      }
    }
    let n = Double(values.count)
    let found = values.reduce(0, +) / n
    let spread = values.reduce(0) { $0 + ($1 - found) * ($1 - found) } / n
    #expect(abs(found - mean) < 5 * (variance / n).squareRoot())
    #expect(abs(spread / variance - 1) < 5 * (2 / n).squareRoot())
  }

  /// One evaluation, of the image as it is, whatever the stream.
  @Test func denoisingAddsNothing() throws {
    let shape = ImageShape(channels: 1, height: 4, width: 4)
    let pool = DenoiserPool(
      GaussianDenoiser(shape: shape, deviation: 0.5), workers: WorkerPool(threads: 1))
    let purifier = try DiffusionPurifier(pool, Purification("denoise:0.5"))
    let image = (0..<shape.count).map { Float($0) / 15 }
    let attacker = NoiseStream(seed: 3, owner: .attack(step: 0, eot: 0))
    for stream in [defence, attacker] {
      let found = try purifier.purify(image, key: key, stream: stream).image
      // D = x/2 in [−1, 1] units.
      for (pixel, moved) in zip(image, found) {
        #expect(abs((2 * pixel - 1) / 2 - (2 * moved - 1)) < 1e-6)
      }
    }
    #expect(purifier.cost == Cost(evaluations: 1) && !purifier.isRandomized)
  }

  /// The purified image moves along the gradient as the gradient says, and across it.
  @Test(arguments: ways) func gradientsMatchFiniteDifferences(way: Purification) throws {
    let purifier = try DiffusionPurifier(pool(), way)
    let cotangent = (0..<784).map { i -> Float in Float(cos(Double(i * i % 97))) }
    let purified = try purifier.purify(Self.smooth, key: key, stream: defence)
    let gradient = try purifier.pullback(
      of: cotangent, at: Self.smooth, through: purified, key: key, stream: defence, smoothing: nil
    ).map(Double.init)
    let length = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let direction = gradient.enumerated().map {
      $1 / length + 0.01 * Double(($0 * 31) % 17 - 8) / 8
    }
    func value(_ sign: Double) throws -> Double {
      let moved = zip(Self.smooth, direction).map { Float(Double($0) + sign * 0.01 * $1) }
      let image = try purifier.purify(moved, key: key, stream: defence).image
      return zip(image, cotangent).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let difference = (try value(1) - value(-1)) / 0.02
    let exact = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(difference / exact - 1) < 2e-3, "\(difference) \(exact)")
  }

  /// Through purifier and classifier together, where pixels are clipped at 0 as well.
  @Test func classifiersAreDifferentiatedThroughTheSteps() throws {
    let pool = try pool()
    let c = Configuration(classifier: .dc, model: "m", grid: "linear:0.4:1.5:3", weights: "snr")
    let base = DiffusionClassifier(
      pool, plan: try ClassifierPlan(c, classCount: 10, shape: pool.denoiser.shape))
    let purifier = try DiffusionPurifier(pool, Purification(.ode, sigma: 0.34, steps: 2))
    let exact = try PurifiedClassifier(purifier, base, passage: .exact)
    #expect(try directionalError(exact, at: Self.smooth, step: 0.003) < 5e-3)
    let bpda = PurifiedClassifier(purifier, base)
    let gradients = try [exact, bpda].map {
      try $0.gradient(of: Self.smooth, key: key, stream: defence, cotangent: cotangent)
    }
    // 3 levels × 10 classes, 3 of them back again; 3 evaluations of the way back and their gradients.
    #expect(gradients[1].cost == Cost(evaluations: 30 + 3, gradients: 9))
    #expect(gradients[0].cost == Cost(evaluations: 30 + 3 + 3, gradients: 9 + 3))
    let moved = try purifier.purify(Self.smooth, key: key, stream: defence).image
    let direct = try base.gradient(of: moved, key: key, stream: defence, cotangent: cotangent)
    #expect(gradients[1].gradient == direct.gradient)
    #expect(gradients[0].gradient != direct.gradient)
    // Pixels that were clipped do not move.
    let black = [Float](repeating: 0, count: 784)
    let purified = try purifier.purify(black, key: key, stream: defence)
    #expect(purified.image.contains(0))
    let answer = try exact.classify(black, key: key, stream: defence)
    #expect(answer.movementMax == purified.image.map(Double.init).max())
    #expect(answer.cost == Cost(evaluations: 30 + 3))
  }

  /// The same on one thread and on several; other noise from another stream.
  @Test func imagesDependOnTheirStreamAlone() throws {
    let way = Purification(.sde, sigma: 0.34, steps: 2)
    let attacker = NoiseStream(seed: 3, owner: .attack(step: 0, eot: 0))
    let one = try DiffusionPurifier(pool(threads: 1), way)
    let three = try DiffusionPurifier(pool(threads: 3), way)
    let image = try one.purify(picture, key: key, stream: defence).image
    #expect(try three.purify(picture, key: key, stream: defence).image == image)
    #expect(try three.purify(picture, key: key, stream: attacker).image != image)
    #expect(one.cost == Cost(evaluations: 2) && one.pullbackCost(.bpda) == Cost())
    let mean = try DiffusionPurifier(
      pool(), Purification(.sde, sigma: 0.34, steps: 2, draws: 3))
    #expect(mean.cost == Cost(evaluations: 6))
    #expect(mean.pullbackCost(.exact) == Cost(evaluations: 6, gradients: 6))
    #expect(try mean.purify(picture, key: key, stream: defence).image != image)
  }

  @Test func impossibleParametersAreRefused() throws {
    let pool = try pool()
    for way in [
      Purification(.ode, sigma: 0.002, steps: 3), Purification(.ode, sigma: 1001, steps: 3),
      Purification(.sde, sigma: 0.3, steps: 0), Purification(.sde, sigma: 0.3, steps: 1, draws: 0),
    ] {
      #expect(throws: ElbowError.self) { try DiffusionPurifier(pool, way) }
    }
    let purifier = try DiffusionPurifier(pool, .usual)
    #expect(purifier.problem(.smoothed) != nil)
    #expect(purifier.problem(.exact) == nil && purifier.problem(.bpda) == nil)
  }
}
