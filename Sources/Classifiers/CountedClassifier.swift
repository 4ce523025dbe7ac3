import Records
import Synchronization
import TensorCore

/// A stand-in for a classifier: it computes nothing and counts what the real one would.
///
/// Its losses are all alike, so that no class leads. Strategies whose choice of losses depends on
/// them ask for the most that they ever do, or nearly; all others for what they always do.
package final class CountedClassifier: DifferentiableClassifier, @unchecked Sendable {
  package let shape: ImageShape
  package let classCount: Int
  package let isRandomized: Bool
  /// What one image takes to classify.
  package let cost: Cost
  /// The same on one draw of randomized smoothing's noise.
  private let single: Cost
  /// Whether an image of which one class leads clearly takes less.
  package let isBound: Bool

  private let plan: ClassifierPlan?
  /// The most evaluations that the strategy asks for.
  private let most: Int
  private let purification: Cost
  private let passage: Cost
  private let smoothing: Smoothing?
  private let source: EvenLosses
  /// Of gradients, by what they are asked for.
  private let known = Mutex<[Case: Cost]>([:])

  private struct Case: Hashable {
    var labels: [Int]
    var absent: Int
  }

  private static let image = ImageKey(dataset: "", split: "", index: 0)
  private static let stream = NoiseStream(seed: 0, owner: .defence)

  /// - Parameters:
  ///   - plan: nil: a network that answers with one evaluation.
  ///   - isMultiHead: whether the denoiser gives all classes at once.
  ///   - purification: what moving the image takes, which comes before.
  ///   - passage: what carrying a gradient back through that takes.
  ///   - isRandomized: whether the real one draws noise.
  ///   - smoothing: how often all of that is done.
  package init(
    _ plan: ClassifierPlan?, classCount: Int, shape: ImageShape, isMultiHead: Bool,
    purification: Cost, passage: Cost = Cost(), isRandomized: Bool = true,
    smoothing: Smoothing? = nil
  ) throws {
    (self.plan, self.classCount, self.shape) = (plan, classCount, shape)
    (self.purification, self.passage) = (purification, passage)
    (self.isRandomized, self.smoothing) = (isRandomized, smoothing)
    let times = smoothing.map { $0.selection + $0.draws } ?? 1
    guard let plan else {
      source = EvenLosses(classCount: classCount, sharesEvaluations: true)
      (most, isBound, single) = (1, false, Cost(evaluations: 1) + purification)
      cost = single * times
      return
    }
    let shares = plan.sharesEvaluations(isMultiHead: isMultiHead)
    source = EvenLosses(classCount: classCount, sharesEvaluations: shares)
    let even = try plan.sample(
      source, key: Self.image, stream: Self.stream, keepsEntries: false)
    isBound = plan.strategy.stopsByLosses
    most =
      source.evaluations(classes: classCount) * plan.strategy.largestSubset(of: plan.grid.count)
      * plan.draws
    single = Cost(evaluations: isBound ? most : even.evaluations) + purification
    cost = single * times
  }

  package func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> LogitAnswer {
    // Close together, and no two of them equal: no loss of an attack is flat in any class it looks at.
    LogitAnswer(
      logits: (0..<classCount).map { -0.1 * Double($0) }, cost: single * (smoothing?.draws ?? 1))
  }

  package func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    let logits = try logits(of: image, key: key, stream: stream).logits
    let slope = cotangent(logits)
    let settled = demand.settled(slope)
    let labels = settled.indices.filter { settled[$0] != 0 }
    let question = Case(labels: labels, absent: demand.absence?.gaps.count ?? 0)
    let once = try known.withLock { $0[question] } ?? gradientCost(slope, demand)
    known.withLock { $0[question] = once }
    // Every draw's logits come before the gradient of the first; a network's are kept till then.
    let cost = smoothing.map { ((plan == nil ? purification : single) + once) * $0.draws }
    return LogitGradient(
      logits: logits, gradient: Array(repeating: 1, count: image.count),
      cost: cost ?? purification + once)
  }

  /// Of one gradient, the image once moved.
  private func gradientCost(_ slope: [Double], _ demand: GradientDemand) throws -> Cost {
    guard let plan else { return Cost(evaluations: 1, gradients: 1) + passage }
    var demand = demand
    if source.sharesEvaluations { demand.absence = nil }
    let ledger = try plan.sample(
      source, key: Self.image, stream: Self.stream, keepsEntries: false, asking: demand)
    // A strategy that stops where a class leads is taken for one that never does.
    let classes = classCount - (demand.absence?.gaps.count ?? 0)
    let asked = isBound && !demand.asksAll ? most * classes / classCount : ledger.evaluations
    let terms = plan.gradientTerms(
      of: ledger, cotangent: slope, asking: demand,
      sharingEvaluations: source.sharesEvaluations, inGroups: true)
    let passes = terms.reduce(0) { $0 + source.evaluations(classes: $1.labels.count) }
    return Cost(evaluations: asked, gradients: passes) + passage
  }
}
