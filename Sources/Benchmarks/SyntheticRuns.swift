import Basics
import Classifiers
import Evaluation
import Foundation
import Records
import TensorCore

/// Runs that nobody ran, as many as a store is to be measured with: configurations, attacks, seeds,
/// figures and losses as of real ones, all of them following from a seed.
///
/// The images are made up too, so that these runs say nothing of any classifier.
package struct SyntheticRuns {
  /// What one of them asks.
  package struct Outline {
    package var index: Int
    package var configuration: Configuration
    package var attack: AttackConfiguration?
    package var seed: UInt64
    /// Index of the run whose losses it replays, nil: live.
    package var replayOf: Int?
    package var images: Int
    /// Levels that the strategy asks for.
    package var timesteps: [Int]
    /// Expected accuracy.
    package var accuracy: Double
    /// As the column `status`.
    package var status: String
    package var isTrashed: Bool

    /// Losses that it records.
    package var losses: Int {
      replayOf == nil ? images * timesteps.count * SyntheticRuns.classes : 0
    }
  }

  package static let classes = 10
  /// Noise grids that they are drawn from.
  package static let grids = [
    "linear:1e-4:3:125", "linear:0.05:3:125", "linear:0.05:3:50", "linear:0.5:3:50",
    "log:0.05:3:60", "log:0.02:10:60", "karras:0.05:3:50", "legendre:0.05:3:50",
  ]
  private static let strategies = [
    "full", "full", "full", "full", "uniform:5", "uniform:10", "uniform:25", "first:25", "last:25",
    "first:40",
  ]
  private static let attacks = [
    AttackConfiguration(name: "apgd-margin", norm: .linf, epsilon: 8.0 / 255),
    AttackConfiguration(name: "pgd-margin", norm: .linf, epsilon: 8.0 / 255),
    AttackConfiguration(name: "apgd-margin", norm: .linf, epsilon: 0.1),
    AttackConfiguration(name: "pgd-margin", norm: .l2, epsilon: 1.5),
  ]

  /// One of so many runs is large.
  private static let large = (oneOf: 100, times: 40)

  package let seed: UInt64
  package let plans: [Outline]
  private let inputs: [InputRecord]

  /// Plans `runs` runs that record `losses` losses or a few more.
  package init(seed: UInt64, runs: Int, losses: Int, grids: [String] = Self.grids) throws {
    self.seed = seed
    let levels = Dictionary(
      uniqueKeysWithValues: try grids.map { ($0, try NoiseGrid($0).levels.count) })
    var plans: [Outline] = []
    // Of the runs that can be replayed, by grid.
    var full: [String: Int] = [:]
    for index in 0..<runs {
      var random = Self.stream(seed, .plan, index)
      let grid = grids[random.index(grids.count)]
      var plan = Self.plan(index, grid, levels[grid] ?? 1, &random)
      if plan.configuration.strategy != "full", plan.attack == nil, let source = full[grid],
        random.index(4) == 0
      {
        plan.replayOf = source
        plan.images = plans[source].images
      } else if plan.configuration.strategy == "full", plan.attack == nil,
        plan.configuration.classifier == .dc
      {
        full[grid] = index
      }
      plans.append(plan)
    }
    // So many images a run as the losses ask for.
    let once = plans.reduce(0) { $0 + $1.losses }
    let images = max(1, (losses + once - 1) / max(once, 1))
    for i in plans.indices { plans[i].images *= images }
    self.plans = plans
    let most = plans.map(\.images).max() ?? 1
    inputs = (0..<most).map { i in
      InputRecord(
        dataset: "synthetic", split: "test", index: i,
        label: i * 7 % Self.classes, sha256: SHA256.hexDigest(of: "synthetic \(i)"))
    }
  }

  /// What a random stream decides of a run.
  private enum Purpose: UInt32 { case plan, id, predictions }

  private static func stream(_ seed: UInt64, _ purpose: Purpose, _ run: Int) -> RandomStream {
    RandomStream(
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)),
      counter: SIMD3(purpose.rawValue, UInt32(truncatingIfNeeded: run), 0))
  }

  private static func plan(
    _ index: Int, _ grid: String, _ count: Int, _ random: inout RandomStream
  ) -> Outline {
    let weights = ["edm", "snr", "uniform", "elbo"][random.index(4)]
    let isRDC = random.index(4) == 0
    var configuration = Configuration(
      classifier: isRDC ? .rdc : .dc, model: model.sha256, grid: grid, weights: weights)
    configuration.strategy = strategies[random.index(strategies.count)]
    if isRDC {
      configuration.lm = LikelihoodMaximization(
        variant: .paper, steps: 5, rate: 0.1, sigmaLow: 0.05, sigmaHigh: 3, eta: 8.0 / 255,
        momentum: 1)
    }
    let parts = configuration.strategy.split(separator: ":")
    let size = parts.count == 2 ? Int(parts[1]) ?? count : count
    let timesteps: [Int] =
      switch parts[0] {
      case "uniform": EvenSubset.indices(size, of: count)
      case "last": Array((count - size)..<count)
      default: Array(0..<size)
      }
    let attack = random.index(10) < 3 ? attacks[random.index(attacks.count)] : nil
    let clean = 0.55 + 0.35 * (1 - exp(-Double(size) / 12)) - (weights == "elbo" ? 0.1 : 0)
    let chance = random.index(100)
    return Outline(
      index: index, configuration: configuration, attack: attack, seed: UInt64(random.index(5)),
      replayOf: nil, images: random.index(large.oneOf) == 0 ? large.times : 1,
      timesteps: timesteps,
      accuracy: clean * (attack == nil ? 1 : isRDC ? 0.7 : 0.4),
      status: chance < 3
        ? "failed" : chance < 5 ? "interrupted" : chance < 7 ? "crashed" : "finished",
      isTrashed: random.index(50) == 0)
  }

  private static let model = ModelRecord(
    sha256: SHA256.hexDigest(of: "synthetic"), name: "synthetic", dtype: "F32",
    parameters: 744_401, architecture: "{}")

  /// When a run began: one every 45 minutes.
  package func start(_ index: Int) -> Date {
    Date(timeIntervalSince1970: 1_735_689_600 + 2700 * Double(index))
  }

  package func id(_ index: Int) -> String {
    var random = Self.stream(seed, .id, index)
    return ULID.make(at: start(index), high: random.next() >> 24, low: random.next() >> 24)
  }

  /// The run before its first image.
  package func header(_ plan: Outline) throws -> RunHeader {
    let c = plan.configuration
    var header = RunHeader(
      id: id(plan.index), configuration: c, model: Self.model, seed: plan.seed,
      classNames: (0..<Self.classes).map { "class \($0)" }, imageShape: [1, 28, 28],
      inputs: Array(inputs.prefix(plan.images)), timesteps: try Self.timesteps(c))
    header.timestepsAsked = plan.timesteps.count
    header.labels.name = "\(c.classifier.rawValue) \(c.strategy) seed \(plan.seed)"
    header.labels.group = "sweep-\(plan.index / 250)"
    header.labels.tags = ["stage": plan.index % 3 == 0 ? "final" : "pilot"]
    header.attack = plan.attack
    header.attackSeed = plan.attack == nil ? nil : 1
    header.replayOf = plan.replayOf.map(id)
    header.recordsLosses = plan.replayOf == nil
    header.environment.arguments = ["elbow", "run", "--grid", c.grid, "--strategy", c.strategy]
    var request = RunRequest()
    (request.configuration, request.attack, request.seed) = (c, plan.attack, plan.seed)
    header.invocation = try JSONValue(encoding: request).canonical
    return header
  }

  private static func timesteps(_ configuration: Configuration) throws -> [TimestepRecord] {
    try ClassifierPlan(
      configuration, classCount: classes, shape: ImageShape(channels: 1, height: 28, width: 28)
    ).timestepRecords
  }

  /// What came of its images; not all of them where it did not finish.
  package func predictions(_ plan: Outline) throws -> [Prediction] {
    var random = Self.stream(seed, .predictions, plan.index)
    let asked = try Self.timesteps(plan.configuration).filter { $0.strategyWeight != nil }
    let done = plan.status == "finished" ? plan.images : plan.images / 2
    return inputs.prefix(done).enumerated().map { position, input in
      prediction(position, input.label, plan, asked, &random)
    }
  }

  private func prediction(
    _ position: Int, _ label: Int, _ plan: Outline, _ asked: [TimestepRecord],
    _ random: inout RandomStream
  ) -> Prediction {
    let k = Self.classes
    let isRight = random.uniform() < plan.accuracy
    let predicted = isRight ? label : (label + 1 + random.index(k - 1)) % k
    var losses = [Float](repeating: 0, count: plan.timesteps.count * k)
    var elbos = [Double](repeating: 0, count: k)
    for (row, level) in asked.enumerated() {
      let scale = Float(60 * level.sigma / (1 + level.sigma))
      for label in 0..<k {
        let loss = scale * Float((label == predicted ? 0.9 : 1) + 0.05 * random.uniform())
        losses[row * k + label] = loss
        elbos[label] -= Double(loss) * (level.strategyWeight ?? 0)
      }
    }
    let lm = plan.configuration.lm?.steps ?? 0
    let nfe = losses.count + lm
    var prediction = Prediction(
      position: position, predicted: predicted, correct: isRight,
      evidence: elbos.enumerated().map { ClassEvidence(label: $0, elbo: $1, lastRound: 0) },
      nfe: nfe, gradients: lm,
      seconds: plan.replayOf == nil ? Double(nfe + 2 * lm) * 3e-4 * (1 + 0.1 * random.uniform()) : 0
    )
    prediction.losses = plan.replayOf == nil ? .dense(losses) : nil
    if lm > 0 { (prediction.movementMax, prediction.movementMean) = (8.0 / 255, 4.0 / 255) }
    if let attack = plan.attack {
      // Half of those that the attack has broken were wrong before it.
      let wasRight = isRight || random.index(2) == 0
      var outcome = AttackOutcome(cleanPredicted: wasRight ? label : predicted)
      if wasRight {
        outcome.attempted = true
        outcome.image = (0..<784).map { _ in Float(random.index(256)) / 255 }
        (outcome.nfe, outcome.gradients) = (nfe * attack.steps, attack.steps)
        outcome.seconds = prediction.seconds * Double(attack.steps)
        (outcome.zeroGradientShare, outcome.loss) = (0.01, 0.5)
        (outcome.linf, outcome.l2) =
          attack.norm == .l2
          ? (attack.epsilon / 28, attack.epsilon) : (attack.epsilon, 28 * attack.epsilon)
      }
      prediction.attack = outcome
    }
    return prediction
  }
}

extension RandomStream {
  /// 0…count − 1.
  fileprivate mutating func index(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
}
