import Basics
import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

func diffusionPlan(
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
    (
      "noisy images",
      { ($0.classifier, $0.smoothing) = (.epndc, Smoothing(deviation: 0.05)) }
    ),
  ]

  /// What an attacker sees is what is answered, whichever classes a strategy drops on the way: their
  /// estimates may be the highest.
  @Test func attackersSeeTheAnswer() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    var dropped = 0
    for strategy in ["full", "halving:2x1,1x6", "halving:5x2,1x6", "sift:0.2,6", "racing:0.5"] {
      let plan = try diffusionPlan(denoiser) { $0.strategy = strategy }
      let classifier = DiffusionClassifier(pool, plan: plan)
      for seed in 0..<12 {
        let stream = NoiseStream(seed: UInt64(seed), owner: .defence)
        let answer = try classifier.classify(picture, key: key, stream: stream)
        let seen = try classifier.logits(of: picture, key: key, stream: stream)
        let highest = Answer(logits: seen.logits, cost: seen.cost).predicted
        #expect((seen.predicted ?? highest) == answer.predicted, "\(strategy) \(seed)")
        let differentiated = try classifier.gradient(
          of: picture, key: key, stream: stream, cotangent: cotangent)
        #expect(differentiated.predicted == seen.predicted)
        if seen.predicted.map({ $0 != highest }) ?? false { dropped += 1 }
      }
    }
    #expect(dropped > 0, "no estimate was higher than the answer's logit")
  }

  /// Float32 noise in the logits over twice the step bounds what differences can show.
  @Test(arguments: configurations.map(\.0))
  func gradientsMatchFiniteDifferences(name: String) throws {
    let change = try #require(Self.configurations.first { $0.0 == name }?.1)
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    let classifier = DiffusionClassifier(pool, plan: try diffusionPlan(denoiser, change))
    // The kinks of |r| near 0 make the difference's error grow with its step.
    let (step, tolerance) = name == "absolute" ? (3e-4, 1e-2) : (0.01, 5e-4)
    #expect(try directionalError(classifier, at: picture, step: step) < tolerance)
  }

  /// The same answer and gradient, bit for bit, from one thread and from three.
  @Test(arguments: configurations.map(\.0))
  func resultsDoNotDependOnThreads(name: String) throws {
    let change = try #require(Self.configurations.first { $0.0 == name }?.1)
    let denoiser = try shippedDenoiser()
    let plan = try diffusionPlan(denoiser, change)
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

  /// Losses of noisy images are the distances between the model's mean p and the exact posterior's q of
  /// a step down, wherever that ends, but for the step's own factor.
  @Test func noisyImagesAreComparedByTheirPosterior() throws {
    let denoiser = try shippedDenoiser()
    let own = 0.3
    let plan = try diffusionPlan(denoiser, grid: "linear:0.4:2:3") {
      ($0.classifier, $0.smoothing) = (.epndc, Smoothing(deviation: own / 2))
    }
    let classifier = DiffusionClassifier(
      DenoiserPool(denoiser, workers: WorkerPool(threads: 2)), plan: plan)
    let answer = try classifier.classify(picture, key: key, stream: defence)
    guard case .dense(let losses) = answer.losses else {
      Issue.record("every class is asked at every level")
      return
    }
    let (x, session) = (picture.map { 2 * Double($0) - 1 }, EDMDenoiser.Session(denoiser))
    for (timestep, level) in plan.grid.levels.enumerated() {
      var noise = [Float](repeating: 0, count: x.count)
      var random = NoiseKey(defence, .classification, key, sigma: level.sigma).random()
      var span = noise.mutableSpan
      random.gaussians(into: &span)
      let from = Double(level.sigma) * Double(level.sigma)
      let added = (from - own * own).squareRoot()
      let above = x.indices.map { x[$0] + added * Double(noise[$0]) }
      // D at x', which has no noise to be added.
      let query = DenoisingQuery(
        image: above.map(Float.init), noise: [Float](repeating: 0, count: x.count),
        sigma: level.sigma, labels: Array(0..<10))
      session.evaluate([query]) { _, residuals in
        for share in [0.5, 0.99] {
          let to = own * own + share * (from - own * own)
          for label in 0..<10 {
            let sum = x.indices.reduce(0.0) { sum, i in
              let clean = Double(query.image[i]) + Double(residuals[label * x.count + i])
              let p = ((from - to) * clean + to * above[i]) / from
              let q =
                ((from - to) * x[i] + (to - own * own) * above[i]) / (from - own * own)
              return sum + (p - q) * (p - q)
            }
            let loss = Double(losses[timestep * 10 + label])
            let factor = (from - to) / from
            #expect(abs(sum / (factor * factor) / loss - 1) < 1e-4, "\(timestep) \(label)")
          }
        }
      }
    }
  }

  /// The loss of a class and level is the same whatever else is asked for.
  @Test func lossesDoNotDependOnTheStrategy() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    func losses(_ strategy: String) throws -> [LossRecord.Loss] {
      let plan = try diffusionPlan(denoiser) { $0.strategy = strategy }
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
    let full = try diffusionPlan(denoiser)
    let recorded = try DiffusionClassifier(pool, plan: full)
      .classify(picture, key: key, stream: defence)
    let source = RecordedLossSource(
      try #require(recorded.losses), timesteps: Array(0..<6), classCount: 10,
      sharesEvaluations: false)
    let other = try diffusionPlan(denoiser) { $0.strategy = strategy }
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
    let twice = try diffusionPlan(denoiser) { ($0.strategy, $0.draws) = (strategy, 2) }
    #expect(throws: MissingLoss.self) {
      try twice.answer(asking: part, key: key, stream: defence)
    }
  }

  @Test func antitheticDrawsAreMirrored() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 1))
    func losses(_ change: (inout Configuration) -> Void) throws -> [Float] {
      let plan = try diffusionPlan(denoiser, grid: "linear:0.2:2:1", change)
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
    let classifier = DiffusionClassifier(pool, plan: try diffusionPlan(denoiser))
    let result = try classifier.gradient(
      of: picture, key: key, stream: defence, cotangent: cotangent)
    #expect(result.cost == Cost(evaluations: 60, gradients: 18))
  }
}
