import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

/// A denoiser that keeps no passes, so that each gradient comes from an evaluation of its own.
private struct Forgetful: Denoiser {
  let base: EDMDenoiser
  var shape: ImageShape { base.shape }
  var classCount: Int { base.classCount }
  var isUnconditional: Bool { base.isUnconditional }
  var isMultiHead: Bool { base.isMultiHead }
  func makeSession() -> any DenoiserSession { base.makeSession() }
}

@Suite struct KeptPassesTests {
  private static let configurations = DiffusionClassifierTests.configurations

  private func classifier(
    _ denoiser: any Denoiser, _ name: String = "plain", levels: Int = 6
  ) throws -> DiffusionClassifier {
    let change = try #require(Self.configurations.first { $0.0 == name }?.1)
    var c = Configuration(
      classifier: .dc, model: "m", grid: "linear:0.2:2:\(levels)", weights: "edm")
    change(&c)
    return DiffusionClassifier(
      DenoiserPool(denoiser, workers: WorkerPool(threads: 2)),
      plan: try ClassifierPlan(c, classCount: denoiser.classCount, shape: denoiser.shape))
  }

  private func gradient(
    _ classifier: DiffusionClassifier, expecting expected: [Int]
  ) throws -> LogitGradient {
    try classifier.gradient(
      of: picture, key: key, stream: defence, asking: GradientDemand(expecting: expected),
      cotangent: cotangent)
  }

  /// Whichever passes are kept for the way back, gradient, logits and cost are the same, to the last
  /// bit; and the logits are those without a gradient.
  @Test(arguments: configurations.map(\.0))
  func resultsDoNotDependOnWhatIsKept(name: String) throws {
    let classifier = try classifier(shippedDenoiser(), name)
    let plain = try gradient(classifier, expecting: [])
    #expect(
      try plain.logits == classifier.logits(of: picture, key: key, stream: defence).logits)
    for expected in [[7, 0, 3], [0], [1, 2], Array(0..<10)] {
      let kept = try gradient(classifier, expecting: expected)
      #expect(kept.gradient == plain.gradient, "\(expected)")
      #expect(kept.logits == plain.logits && kept.cost == plain.cost, "\(expected)")
    }
  }

  /// More levels than there is room for: the rest is computed again.
  @Test func roomIsBounded() throws {
    let classifier = try classifier(shippedDenoiser(), levels: 60)
    #expect(
      try gradient(classifier, expecting: [0, 3, 7]).gradient
        == gradient(classifier, expecting: []).gradient)
  }

  /// What was computed one evaluation at a time is the same to rounding, of both kinds of network.
  @Test(arguments: configurations.map(\.0))
  func gradientsAreThoseOfSingleEvaluations(name: String) throws {
    for denoiser in [try shippedDenoiser(), try multiHeadDenoiser()] {
      let grouped = try gradient(classifier(denoiser, name), expecting: [0, 3, 7])
      let single = try gradient(classifier(Forgetful(base: denoiser), name), expecting: [])
      #expect(relativeError(grouped.gradient, single.gradient) < 1e-6)
      #expect(grouped.logits == single.logits && grouped.cost == single.cost)
    }
  }

  /// Two classes weigh something in a margin, so that nothing is left out of it: to the last bit.
  @Test func leavingOutCostsTheMarginNothing() throws {
    let (kept, spared) = try gradients { logits in
      logits.indices.map { $0 == 3 ? -1 : $0 == 5 ? 1 : 0 }
    }
    #expect(spared.gradient == kept.gradient && spared.cost == kept.cost)
  }

  /// Of a cross-entropy classes of little weight are left out, and the gradient turns by less than the
  /// largest share left out, times how many there are.
  @Test func leavingOutTurnsTheCrossEntropyLittle() throws {
    let (kept, spared) = try gradients { logits in
      let top = logits.max() ?? 0
      let shares = logits.map { exp($0 - top) }
      let total = shares.reduce(0, +)
      return shares.enumerated().map { $1 / total - ($0 == 3 ? 1 : 0) }
    }
    #expect(spared.cost.gradients < kept.cost.gradients)
    #expect(spared.gradient != kept.gradient)
    #expect(relativeError(spared.gradient, kept.gradient) < 8e-3)
  }

  /// Classes that are not asked for cost nothing, and change nothing of what those asked for say.
  @Test func absentClassesCostNothing() throws {
    let classifier = try classifier(shippedDenoiser())
    let absence = GradientDemand.Absence(from: 3, gaps: [1: -8, 2: -9, 5: -7.5])
    func gradient(_ demand: GradientDemand) throws -> LogitGradient {
      try classifier.gradient(
        of: picture, key: key, stream: defence, asking: demand, cotangent: cotangent)
    }
    let (all, some) = (
      try gradient(GradientDemand()), try gradient(GradientDemand(without: absence))
    )
    #expect(some.gradient == all.gradient)
    #expect(some.cost == Cost(evaluations: 6 * 7, gradients: 18))
    for k in 0..<10 {
      #expect(some.logits[k] == absence.gaps[k].map { all.logits[3] + $0 } ?? all.logits[k])
    }
  }

  /// What a strategy dropped on the way is asked all the same: as if it had dropped nothing.
  @Test func surrogatesAskForAll() throws {
    let denoiser = try shippedDenoiser()
    func gradient(_ strategy: String, asksAll: Bool) throws -> LogitGradient {
      var c = Configuration(
        classifier: .dc, model: "m", grid: "linear:0.2:2:6", weights: "edm")
      c.strategy = strategy
      return try DiffusionClassifier(
        DenoiserPool(denoiser, workers: WorkerPool(threads: 2)),
        plan: ClassifierPlan(c, classCount: 10, shape: denoiser.shape)
      ).gradient(
        of: picture, key: key, stream: defence, asking: GradientDemand(askingAll: asksAll),
        cotangent: cotangent)
    }
    let full = try gradient("full", asksAll: false)
    for strategy in ["halving:4x2,1x6", "sift:0.001,6"] {
      let (chosen, all) = (
        try gradient(strategy, asksAll: false), try gradient(strategy, asksAll: true)
      )
      #expect(chosen.cost.evaluations < all.cost.evaluations, "\(strategy)")
      #expect(all.cost == full.cost && all.logits == full.logits, "\(strategy)")
      #expect(all.gradient == full.gradient, "\(strategy)")
      #expect(relativeError(chosen.gradient, full.gradient) > 1e-3, "\(strategy)")
    }
  }

  private func gradients(
    _ cotangent: @escaping @Sendable ([Double]) -> [Double]
  ) throws -> (kept: LogitGradient, spared: LogitGradient) {
    let classifier = try classifier(shippedDenoiser())
    func gradient(_ negligible: Double) throws -> LogitGradient {
      try classifier.gradient(
        of: picture, key: key, stream: defence, asking: GradientDemand(neglecting: negligible),
        cotangent: cotangent)
    }
    return (try gradient(0), try gradient(1e-3))
  }
}
