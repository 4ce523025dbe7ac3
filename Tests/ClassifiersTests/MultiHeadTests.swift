import Basics
import Classifiers
import Networks
import Records
import TensorCore
import Testing

/// A multi-head network of the shipped one's weights, its last convolution varied from head to head.
func multiHeadDenoiser() throws -> EDMDenoiser {
  let checkpoint = try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small"))
  var architecture = try checkpoint.architecture(UNetArchitecture.self)
  architecture.heads = 10
  let network = try UNet(architecture) { name, _ in
    let values = try checkpoint.file.floats(name)
    guard name.contains("aux_conv") else { return values }
    return (0..<10).flatMap { k in
      values.enumerated().map { $1 * (1 + 0.05 * Float(($0 * 31 + k * 7) % 11 - 5)) }
    }
  }
  return EDMDenoiser(network, isUnconditional: false)
}

private func plan(
  _ change: (inout Configuration) -> Void = { _ in }
) throws -> ClassifierPlan {
  var c = Configuration(classifier: .dc, model: "m", grid: "linear:0.2:2:6", weights: "edm")
  change(&c)
  let shape = ImageShape(channels: 1, height: 28, width: 28)
  return try ClassifierPlan(c, classCount: 10, shape: shape)
}

@Suite struct MultiHeadTests {
  private let denoiser: EDMDenoiser

  init() throws { denoiser = try multiHeadDenoiser() }

  private func classifier(_ plan: ClassifierPlan, threads: Int = 2) -> DiffusionClassifier {
    DiffusionClassifier(
      DenoiserPool(denoiser, workers: WorkerPool(threads: threads)), plan: plan)
  }

  /// One evaluation a timestep and draw, whatever the classes; one a class where the classes have
  /// noise of their own.
  @Test(arguments: [
    ("full", 1, Configuration.Noise.shared, 6, 6), ("uniform:2", 1, .shared, 2, 2),
    ("random:3", 2, .shared, 6, 6), ("halving:4x2,1x5", 1, .shared, 5, 5),
    ("full", 1, .fresh, 60, 18), ("halving:4x2,1x5", 1, .fresh, 32, 0),
  ])
  func evaluations(
    strategy: String, draws: Int, noise: Configuration.Noise, expected: Int, gradients: Int
  ) throws {
    let plan = try plan { ($0.strategy, $0.draws, $0.noise) = (strategy, draws, noise) }
    let classifier = classifier(plan)
    let answer = try classifier.classify(picture, key: key, stream: defence)
    #expect(answer.cost == Cost(evaluations: expected))
    let result = try classifier.gradient(
      of: picture, key: key, stream: defence, cotangent: cotangent)
    #expect(result.cost.evaluations == expected)
    // After halving, how many levels classes 0, 3 and 7 were asked at depends on the image.
    if noise == .shared && strategy.hasPrefix("halving") {
      #expect((2...gradients).contains(result.cost.gradients))
    } else if !strategy.hasPrefix("halving") {
      #expect(result.cost.gradients == gradients)
    }
  }

  /// Recorded losses of a multi-head run replay to the same answer and the same cost.
  @Test(arguments: ["full", "uniform:2", "random:3", "halving:4x2,1x5"])
  func replayAgreesWithLive(strategy: String) throws {
    for noise in [Configuration.Noise.shared, .fresh] {
      let full = try plan { $0.noise = noise }
      let recorded = try classifier(full).classify(picture, key: key, stream: defence)
      let source = RecordedLossSource(
        try #require(recorded.losses), timesteps: Array(0..<6), classCount: 10,
        sharesEvaluations: full.sharesEvaluations(isMultiHead: true))
      let other = try plan { ($0.noise, $0.strategy) = (noise, strategy) }
      let live = try classifier(other).classify(picture, key: key, stream: defence)
      let replay = try other.answer(asking: source, key: key, stream: defence)
      #expect(replay.evidence == live.evidence)
      #expect(replay.cost == live.cost)
    }
  }

  /// To the last bit from one thread and from three.
  @Test func resultsDoNotDependOnThreads() throws {
    for noise in [Configuration.Noise.shared, .fresh] {
      let plan = try plan { $0.noise = noise }
      let results = try [1, 3].map { threads in
        let classifier = classifier(plan, threads: threads)
        return (
          try classifier.classify(picture, key: key, stream: defence).evidence,
          try classifier.gradient(of: picture, key: key, stream: defence, cotangent: cotangent)
        )
      }
      #expect(results[0].0 == results[1].0)
      #expect(results[0].1.gradient == results[1].1.gradient)
    }
  }

  /// As for an ordinary network: Float32 noise in the logits over twice the step bounds it.
  @Test func gradientsMatchFiniteDifferences() throws {
    #expect(try directionalError(classifier(plan()), at: picture, step: 0.01) < 5e-4)
  }

  @Test func likelihoodMaximizationNeedsAnotherModel() throws {
    let grid = try NoiseGrid("linear:0.2:2:6")
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 1))
    let error = #expect(throws: ElbowError.self) {
      try LikelihoodMaximizer(pool, parameters: .defaults(.paper, grid: grid), grid: grid)
    }
    #expect(error?.description.contains("`lm-model`") == true)
  }
}
