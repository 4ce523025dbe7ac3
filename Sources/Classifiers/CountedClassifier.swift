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
  package var isRandomized: Bool { plan != nil || purification != Cost() }
  /// What one image takes to classify.
  package let cost: Cost
  /// Whether an image of which one class leads clearly takes less.
  package let isBound: Bool

  private let plan: ClassifierPlan?
  /// Asked once and never again, which is why it may be shared.
  private let ledger: LossLedger?
  private let purification: Cost
  private let passage: Cost
  private let source: EvenLosses
  /// Of gradients, by the labels in them.
  private let known = Mutex<[[Int]: Cost]>([:])

  private static let image = ImageKey(dataset: "", split: "", index: 0)
  private static let stream = NoiseStream(seed: 0, owner: .defence)

  /// - Parameters:
  ///   - plan: nil: a network that answers with one evaluation.
  ///   - isMultiHead: whether the denoiser gives all classes at once.
  ///   - purification: what moving the image takes, which comes before.
  ///   - passage: what carrying a gradient back through that takes.
  package init(
    _ plan: ClassifierPlan?, classCount: Int, shape: ImageShape, isMultiHead: Bool,
    purification: Cost, passage: Cost = Cost()
  ) throws {
    (self.plan, self.classCount, self.shape) = (plan, classCount, shape)
    (self.purification, self.passage) = (purification, passage)
    guard let plan else {
      source = EvenLosses(classCount: classCount, sharesEvaluations: true)
      (ledger, isBound, cost) = (nil, false, Cost(evaluations: 1) + purification)
      return
    }
    let shares = plan.sharesEvaluations(isMultiHead: isMultiHead)
    source = EvenLosses(classCount: classCount, sharesEvaluations: shares)
    let even = try plan.sample(
      source, key: Self.image, stream: Self.stream, keepsEntries: false)
    isBound = plan.strategy.stopsByLosses
    let most =
      source.evaluations(classes: classCount) * plan.strategy.largestSubset(of: plan.grid.count)
      * plan.draws
    cost = Cost(evaluations: isBound ? most : even.evaluations) + purification
    ledger = even
  }

  package func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> (logits: [Double], cost: Cost) {
    // Close together, and no two of them equal: no loss of an attack is flat in any class it looks at.
    ((0..<classCount).map { -0.1 * Double($0) }, cost)
  }

  package func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    let logits = try logits(of: image, key: key, stream: stream).logits
    let slope = cotangent(logits)
    let settled = demand.settled(slope)
    let labels = settled.indices.filter { settled[$0] != 0 }
    let cost = known.withLock { $0[labels] } ?? gradientCost(slope, demand)
    known.withLock { $0[labels] = cost }
    return LogitGradient(
      logits: logits, gradient: Array(repeating: 1, count: image.count), cost: cost)
  }

  private func gradientCost(_ slope: [Double], _ demand: GradientDemand) -> Cost {
    guard let plan, let ledger else { return cost + passage + Cost(gradients: 1) }
    let terms = plan.gradientTerms(
      of: ledger, cotangent: slope, asking: demand,
      sharingEvaluations: source.sharesEvaluations, inGroups: true)
    let passes = terms.reduce(0) { $0 + source.evaluations(classes: $1.labels.count) }
    return cost + passage + Cost(gradients: passes)
  }

  /// Losses that say nothing.
  private struct EvenLosses: LossSource {
    let classCount: Int
    let sharesEvaluations: Bool

    func losses(classes: [Int], timesteps: [Int], draw: Int) throws -> [Float] {
      Array(repeating: 1, count: timesteps.count * classes.count)
    }
  }
}
