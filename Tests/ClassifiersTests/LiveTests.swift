import Basics
import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

private func plan(
  _ denoiser: any Denoiser, grid: String = "linear:0.2:2:6", weights: String = "edm",
  _ change: (inout Configuration) -> Void = { _ in }
) throws -> ClassifierPlan {
  var c = Configuration(classifier: .dc, model: "m", grid: grid, weights: weights)
  change(&c)
  return try ClassifierPlan(c, classCount: denoiser.classCount, shape: denoiser.shape)
}

/// c of Σ c_k·logit_k in the gradient tests: three classes, one left out.
let cotangent: @Sendable ([Double]) -> [Double] = { logits in
  logits.indices.map { [0: 1.0, 3: -0.5, 7: 0.25][$0] ?? 0 }
}

/// (f(x + hd) − f(x − hd))/2h against ⟨∇f, d⟩ along a direction with a part of the gradient in it,
/// so that the derivative is not a small difference of large terms.
func directionalError(
  _ classifier: any DifferentiableClassifier, at image: [Float], step: Double
) throws -> Double {
  let result = try classifier.gradient(
    of: image, key: key, stream: defence, cotangent: cotangent)
  let g = result.gradient.map(Double.init)
  let norm = g.reduce(0) { $0 + $1 * $1 }.squareRoot()
  let direction = g.enumerated().map { $1 / norm + 0.01 * Double(($0 * 31) % 17 - 8) / 8 }
  func value(_ sign: Double) throws -> Double {
    let moved = zip(image, direction).map { Float(Double($0) + sign * step * $1) }
    let logits = try classifier.logits(of: moved, key: key, stream: defence).logits
    return zip(cotangent(logits), logits).reduce(0) { $0 + $1.0 * $1.1 }
  }
  let difference = (try value(1) - value(-1)) / (2 * step)
  let exact = zip(g, direction).reduce(0) { $0 + $1.0 * $1.1 }
  return abs(difference - exact) / abs(exact)
}

@Suite struct DiffusionClassifierTests {
  static let configurations: [(String, @Sendable (inout Configuration) -> Void)] = [
    ("plain", { _ in }),
    ("absolute", { $0.loss = .absolute }),
    ("mean and scale", { ($0.reduction, $0.logitScale) = (.mean, 100) }),
    ("fresh", { $0.noise = .fresh }),
    ("draws", { ($0.antithetic, $0.draws) = (true, 2) }),
    ("one direction", { $0.sharesTimesteps = true }),
    ("halving", { $0.strategy = "halving:4x2,1x5" }),
    ("random", { $0.strategy = "random:3" }),
    // The choice of losses is held: a step of the difference is too small to change it.
    ("sift", { $0.strategy = "sift:1,5" }), ("racing", { $0.strategy = "racing:0.5" }),
  ]

  /// Float32 noise in the logits over twice the step bounds what differences can show.
  @Test(arguments: configurations.map(\.0))
  func gradientsMatchFiniteDifferences(name: String) throws {
    let change = try #require(Self.configurations.first { $0.0 == name }?.1)
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    let classifier = DiffusionClassifier(pool, plan: try plan(denoiser, change))
    // The kinks of |r| near 0 make the difference's error grow with its step.
    let (step, tolerance) = name == "absolute" ? (3e-4, 1e-2) : (0.01, 5e-4)
    #expect(try directionalError(classifier, at: picture, step: step) < tolerance)
  }

  /// The same answer and gradient, bit for bit, from one thread and from three.
  @Test(arguments: configurations.map(\.0))
  func resultsDoNotDependOnThreads(name: String) throws {
    let change = try #require(Self.configurations.first { $0.0 == name }?.1)
    let denoiser = try shippedDenoiser()
    let plan = try plan(denoiser, change)
    let results = try [1, 3].map { threads in
      let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: threads))
      let classifier = DiffusionClassifier(pool, plan: plan)
      let answer = try classifier.classify(picture, key: key, stream: defence)
      let gradient = try classifier.gradient(
        of: picture, key: key, stream: defence, cotangent: cotangent)
      return (answer, gradient)
    }
    #expect(results[0].0.evidence == results[1].0.evidence)
    #expect(results[0].0.cost == results[1].0.cost)
    #expect(results[0].1.gradient == results[1].1.gradient)
    #expect(results[0].1.logits == results[1].1.logits)
  }

  /// The loss of a class and level is the same whatever else is asked for.
  @Test func lossesDoNotDependOnTheStrategy() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    func losses(_ strategy: String) throws -> [LossRecord.Loss] {
      let plan = try plan(denoiser) { $0.strategy = strategy }
      let answer = try DiffusionClassifier(pool, plan: plan)
        .classify(picture, key: key, stream: defence)
      switch answer.losses {
      case .sparse(let losses): return losses
      case .dense(let values):
        let asked = plan.strategy.sharedTimesteps(of: plan.grid.count) ?? []
        return values.enumerated().map { i, value in
          .init(draw: 0, timestep: asked[i / 10], label: i % 10, value: value)
        }
      case nil: return []
      }
    }
    let full = Set(try losses("full"))
    #expect(full.count == 60)
    for strategy in ["uniform:2", "random:3", "halving:4x2,1x5", "last:1"] {
      let part = try losses(strategy)
      #expect(!part.isEmpty)
      #expect(Set(part).isSubset(of: full), "\(strategy)")
    }
  }

  /// A strategy on recorded losses answers as it does live, bit for bit.
  @Test(arguments: [
    "full", "uniform:2", "random:3", "halving:4x2,1x5", "band:0.4:1.2", "racing:0.5", "sift:1,4",
  ])
  func replayAgreesWithLive(strategy: String) throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    let full = try plan(denoiser)
    let recorded = try DiffusionClassifier(pool, plan: full)
      .classify(picture, key: key, stream: defence)
    let source = RecordedLossSource(
      try #require(recorded.losses), timesteps: Array(0..<6), classCount: 10,
      sharesEvaluations: false)
    let other = try plan(denoiser) { $0.strategy = strategy }
    let live = try DiffusionClassifier(pool, plan: other)
      .classify(picture, key: key, stream: defence)
    let replay = try other.answer(asking: source, key: key, stream: defence)
    #expect(replay.evidence == live.evidence)
    #expect(replay.predicted == live.predicted)
    #expect(replay.cost == live.cost)
    // What was not recorded is named, never made up.
    let part = RecordedLossSource(
      try #require(live.losses), timesteps: other.strategy.sharedTimesteps(of: 6) ?? [],
      classCount: 10, sharesEvaluations: false)
    let twice = try plan(denoiser) { ($0.strategy, $0.draws) = (strategy, 2) }
    #expect(throws: MissingLoss.self) {
      try twice.answer(asking: part, key: key, stream: defence)
    }
  }

  @Test func antitheticDrawsAreMirrored() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 1))
    func losses(_ change: (inout Configuration) -> Void) throws -> [Float] {
      let plan = try plan(denoiser, grid: "linear:0.2:2:1", change)
      let answer = try DiffusionClassifier(pool, plan: plan)
        .classify(picture, key: key, stream: defence)
      guard case .dense(let values)? = answer.losses else { return [] }
      return values
    }
    let pairs = try losses { ($0.antithetic, $0.draws) = (true, 4) }
    let plain = try losses { $0.draws = 2 }
    // Draws 0 and 2 of the pairs are draws 0 and 1 without; 1 and 3 are others.
    #expect(Array(pairs[0..<10]) == Array(plain[0..<10]))
    #expect(Array(pairs[20..<30]) == Array(plain[10..<20]))
    #expect(Array(pairs[10..<20]) != Array(pairs[0..<10]))
  }

  @Test func skippedClassesCostNothing() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    let classifier = DiffusionClassifier(pool, plan: try plan(denoiser))
    let result = try classifier.gradient(
      of: picture, key: key, stream: defence, cotangent: cotangent)
    #expect(result.cost == Cost(evaluations: 60, gradients: 18))
  }
}

@Suite struct LikelihoodMaximizerTests {
  private func maximizer(
    _ variant: LikelihoodMaximization.Variant
  ) throws -> LikelihoodMaximizer {
    let grid = try NoiseGrid("linear:0.2:2:6")
    return try LikelihoodMaximizer(
      DenoiserPool(try shippedDenoiser(), workers: WorkerPool(threads: 2)),
      parameters: .defaults(variant, grid: grid), grid: grid)
  }

  /// Against saved Float64 results on the same draws; tolerances of the fixture's README.
  @Test(arguments: [
    (LikelihoodMaximization.Variant.released, "released_unclipped"),
    (.paper, "paper_eta_8_255_unclipped"),
  ])
  func parity(variant: LikelihoodMaximization.Variant, tensor: String) throws {
    let file = try SafetensorsFile(path: fixture("likelihood-maximization-small"))
    let (x, sigma) = (try file.floats("x"), try file.floats("sigma"))
    let (noise, expected) = (try file.floats("noise"), try file.floats(tensor))
    let maximizer = try maximizer(variant)
    var (close, largest) = (0, Float(0))
    for image in 0..<8 {
      let draws = (0..<5).map { step in
        let start = (step * 8 + image) * 784
        return LikelihoodMaximizer.Draw(
          sigma: sigma[step * 8 + image], noise: Array(noise[start..<start + 784]))
      }
      let found = try maximizer.maximize(
        Array(x[image * 784..<(image + 1) * 784]), draws: draws)
      for (a, b) in zip(found, expected[image * 784..<(image + 1) * 784]) {
        if abs(a - b) < 1e-2 { close += 1 }
        largest = max(largest, abs(a - b))
      }
    }
    switch variant {
    case .released: #expect(Double(close) >= 0.99 * 8 * 784)
    default: #expect(largest < 1e-5)
    }
  }

  @Test(arguments: LikelihoodMaximization.Variant.allCases)
  func boundsHold(variant: LikelihoodMaximization.Variant) throws {
    let maximizer = try maximizer(variant)
    let (moved, cost) = try maximizer.maximize(picture, key: key, stream: defence)
    #expect(moved.allSatisfy { (0...1).contains($0) })
    #expect(moved != picture)
    let movement = zip(moved, picture).map { Double($0) - Double($1) }
    switch variant {
    case .paper:
      #expect(movement.allSatisfy { abs($0) <= 8.0 / 255 + 1e-6 })
      #expect(cost == Cost(evaluations: 5, gradients: 5))
    case .released:
      #expect(movement.contains { abs($0) > 0.05 })
    case .l2:
      // Five steps of η/5 in one direction reach at most η; the gradient is the whole grid's.
      #expect(movement.reduce(0) { $0 + $1 * $1 }.squareRoot() <= 0.5 + 1e-5)
      #expect(cost == Cost(evaluations: 30, gradients: 30))
    }
    let again = try maximizer.maximize(picture, key: key, stream: defence)
    #expect(again.image == moved)
    let attacker = NoiseStream(seed: 3, owner: .attack(step: 0, eot: 0))
    #expect(try maximizer.maximize(picture, key: key, stream: attacker).image != moved)
  }

  /// Likelihood maximization must do what it says: a lower denoising loss on other noise.
  @Test(arguments: LikelihoodMaximization.Variant.allCases)
  func lossFalls(variant: LikelihoodMaximization.Variant) throws {
    let denoiser = try shippedDenoiser()
    let noisy = picture.enumerated().map { min(max($1 + Float($0 % 5 - 2) / 12, 0), 1) }
    let moved = try maximizer(variant).maximize(noisy, key: key, stream: defence).image
    func loss(_ image: [Float]) throws -> Double {
      let session = denoiser.makeSession()
      let x = image.map { 2 * $0 - 1 }
      return try (0..<40).reduce(0) { sum, draw in
        var random = NoiseKey(defence, .classification, key, draw: draw).random()
        var (noise, residual) = (x, x)
        var span = noise.mutableSpan
        random.gaussians(into: &span)
        var output = residual.mutableSpan
        try session.residuals(
          image: x.span, noise: noise.span, sigma: 0.5, labels: [nil], into: &output)
        return sum + residual.reduce(0.0) { $0 + Double($1) * Double($1) }
      }
    }
    #expect(try loss(moved) < loss(noisy))
  }

  @Test func impossibleParametersAreRefused() throws {
    let grid = try NoiseGrid("linear:0.2:2:6")
    let pool = DenoiserPool(try shippedDenoiser(), workers: WorkerPool(threads: 1))
    func refuses(
      _ variant: LikelihoodMaximization.Variant, _ change: (inout LikelihoodMaximization) -> Void
    ) {
      var parameters = LikelihoodMaximization.defaults(variant, grid: grid)
      change(&parameters)
      #expect(throws: ElbowError.self) {
        try LikelihoodMaximizer(pool, parameters: parameters, grid: grid)
      }
    }
    refuses(.paper) { $0.steps = 0 }
    refuses(.paper) { $0.rate = .nan }
    refuses(.paper) { ($0.sigmaLow, $0.sigmaHigh) = (2, 1) }
    // What Float32 cannot hold, or the square of which it cannot.
    refuses(.paper) { ($0.sigmaLow, $0.sigmaHigh) = (1, 1e308) }
    refuses(.paper) { ($0.sigmaLow, $0.sigmaHigh) = (1e-60, 1) }
    refuses(.paper) { $0.rate = 1e300 }
    refuses(.paper) { $0.eta = -1 }
    refuses(.released) { $0.eta = 0.1 }
    refuses(.l2) { $0.eta = nil }
    refuses(.l2) { ($0.sigmaLow, $0.sigmaHigh) = (5, 6) }
  }

  @Test func rdcIsTheClassifierOnTheMovedImage() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    let base = DiffusionClassifier(pool, plan: try plan(denoiser))
    let maximizer = try maximizer(.paper)
    let rdc = PurifiedClassifier(maximizer, base)
    let answer = try rdc.classify(picture, key: key, stream: defence)
    let (moved, _) = try maximizer.maximize(picture, key: key, stream: defence)
    let expected = try base.classify(moved, key: key, stream: defence)
    #expect(answer.evidence == expected.evidence)
    #expect(answer.cost == Cost(evaluations: 65, gradients: 5))
    #expect(try #require(answer.movementMax) <= 8.0 / 255 + 1e-6)
    // BPDA: the gradient at the moved image stands for that at the image.
    let gradient = try rdc.gradient(
      of: picture, key: key, stream: defence, cotangent: cotangent)
    let direct = try base.gradient(of: moved, key: key, stream: defence, cotangent: cotangent)
    #expect(gradient.gradient == direct.gradient)
    #expect(gradient.cost == Cost(evaluations: 60 + 5, gradients: 18 + 5))
  }
}

@Suite struct OptimalDenoiserTests {
  private static let shape = ImageShape(channels: 1, height: 5, width: 7)
  private static let bytes: [UInt8] = (0..<30 * 35).map { (i: Int) -> UInt8 in
    UInt8((i * 7919 + i / 35 * 31) % 256)
  }
  private static let labels = (0..<30).map { UInt8($0 % 3) }
  private let denoiser: OptimalDenoiser

  init() throws {
    denoiser = try OptimalDenoiser(
      shape: Self.shape, bytes: Self.bytes, labels: Self.labels, classCount: 3)
  }

  @Test func aClassWithoutImagesIsNamed() throws {
    for labels in [[], [UInt8](repeating: 1, count: 30)] {
      let error = try #require(throws: ElbowError.self) {
        try OptimalDenoiser(
          shape: Self.shape, bytes: Array(Self.bytes.prefix(35 * labels.count)), labels: labels,
          classCount: 3)
      }
      #expect(error.message.contains("class 0 has no training image"))
    }
  }

  private let image = (0..<35).map { Float($0 % 9) / 4.5 - 1 }
  private let noise = (0..<35).map { Float(($0 * 5) % 11) / 5.5 - 1 }

  /// D* in Double as the formula stands.
  private func plain(_ x: [Double], sigma: Double, label: Int?) -> [Double] {
    let rows = (0..<30).filter { label == nil || Int(Self.labels[$0]) == label }.map { i in
      Self.bytes[i * 35..<(i + 1) * 35].map { Double($0) / 127.5 - 1 }
    }
    let noised = zip(x, noise).map { $0 + sigma * Double($1) }
    let exponents = rows.map { (row: [Double]) -> Double in
      var distance = 0.0
      for (a, b) in zip(noised, row) { distance += (a - b) * (a - b) }
      return -distance / (2 * sigma * sigma)
    }
    let top = exponents.max() ?? 0
    let shares = exponents.map { exp($0 - top) }
    let total = shares.reduce(0, +)
    return x.indices.map { p in
      var mean = 0.0
      for (share, row) in zip(shares, rows) { mean += share / total * row[p] }
      return mean - x[p]
    }
  }

  @Test(arguments: [Float(0.001), 0.3, 1, 3, 80], [nil, 0, 2])
  func closedForm(sigma: Float, label: Int?) throws {
    let session = denoiser.makeSession()
    var residual = [Float](repeating: 0, count: 35)
    var output = residual.mutableSpan
    try session.residuals(
      image: image.span, noise: noise.span, sigma: sigma, labels: [label], into: &output)
    let expected = plain(image.map(Double.init), sigma: Double(sigma), label: label)
    // Rows padded from 35 to 48 values must not count.
    for (a, b) in zip(residual, expected) { #expect(abs(Double(a) - b) < 2e-5) }

    // (∂r/∂x)ᵀv against central differences of the Double twin.
    let v = (0..<35).map { Float(($0 * 3) % 7) / 3 - 1 }
    var gradient = [Float](repeating: 0, count: 35)
    var pulled = gradient.mutableSpan
    try session.gradient(
      image: image.span, noise: noise.span, sigma: sigma, labels: [label], into: &pulled
    ) { _, r in
      for i in r.indices { r[i] = v[i] }
    }
    func value(_ x: [Double]) -> Double {
      var sum = 0.0
      for (r, v) in zip(plain(x, sigma: Double(sigma), label: label), v) { sum += r * Double(v) }
      return sum
    }
    let h = 1e-5 * Double(min(sigma, 1))
    let differences = (0..<35).map { i in
      var (a, b) = (image.map(Double.init), image.map(Double.init))
      a[i] += h
      b[i] -= h
      return (value(a) - value(b)) / (2 * h)
    }
    var (error, norm) = (0.0, 0.0)
    for (a, b) in zip(gradient, differences) {
      error += (Double(a) - b) * (Double(a) - b)
      norm += b * b
    }
    #expect((error / norm).squareRoot() < 1e-3)
  }

  @Test func classifiesItsOwnSupport() throws {
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    var c = Configuration(
      classifier: .optimal, model: "m", grid: "linear:0.1:2:8", weights: "edm")
    c.strategy = "full"
    let classifier = DiffusionClassifier(
      pool, plan: try ClassifierPlan(c, classCount: 3, shape: Self.shape))
    for i in 0..<6 {
      let pixels = Self.bytes[i * 35..<(i + 1) * 35].map { Float($0) / 255 }
      let answer = try classifier.classify(pixels, key: key, stream: defence)
      #expect(answer.predicted == i % 3)
    }
  }
}
