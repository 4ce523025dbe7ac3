import Classifiers
import TensorCore

/// A classifier as an attacker of one image may ask it: for logits, at a price.
///
/// A look is the mean over the draws that the attacker's `Knowledge` allows, each look on noise of
/// its own unless the noise is known. Cost is counted here, whatever the attack.
public struct QueryView {
  /// Clean image, planar `[C, H, W]`, pixel units.
  public let image: [Float]
  /// True class.
  public let label: Int
  /// Size of the image.
  public var shape: ImageShape { classifier.shape }
  /// Number of classes K.
  public var classCount: Int { classifier.classCount }
  /// Whether what is seen is what the classifier will answer: it draws nothing at random, or its
  /// noise is known.
  public let isCertain: Bool
  /// An empty list of as many points as a search should hand on.
  public var shortlist: Shortlist {
    Shortlist(capacity: isCertain || knowledge.choiceDraws == 0 ? 1 : Knowledge.finalists)
  }
  /// Spent so far.
  public private(set) var cost = Cost() {
    didSet { watch(cost) }
  }

  let key: ImageKey
  let knowledge: Knowledge
  private let classifier: any LogitClassifier
  private let seed: UInt64
  private let defence: NoiseStream
  private let watch: @Sendable (Cost) -> Void
  /// Looks so far: they name the noise.
  private var looks = 0

  /// - Parameters:
  ///   - key: names the image for the noise.
  ///   - seed: of the attacker's stream.
  ///   - defence: the stream of recorded predictions, which known noise is.
  ///   - watch: told what is spent so far, at every look.
  init(
    of classifier: any LogitClassifier, image: [Float], label: Int, key: ImageKey, seed: UInt64,
    defence: NoiseStream, knowledge: Knowledge, watch: @escaping @Sendable (Cost) -> Void = { _ in }
  ) {
    self.watch = watch
    (self.classifier, self.image, self.label, self.key) = (classifier, image, label, key)
    (self.seed, self.defence, self.knowledge) = (seed, defence, knowledge)
    isCertain = !classifier.isRandomized || knowledge.noise == .frozen
  }

  /// The objective and the margin at an image.
  ///
  /// - Throws: what the classifier throws.
  public mutating func look(
    at image: [Float], _ objective: AttackObjective = .untargeted(.margin)
  ) throws -> AttackPoint {
    let answers = try draws(at: image, on: nextStreams())
    var point = AttackPoint(image: image, loss: 0, margin: 0)
    for answer in answers {
      let share = 1 / Double(answers.count)
      point.loss += share * objective.value(answer.logits, label: label).loss
      point.margin += share * margin(answer)
    }
    return point
  }

  /// The classes other than the true one, by the mean of their logits at the clean image, highest
  /// first.
  ///
  /// - Throws: what the classifier throws.
  public mutating func rivals(atMost count: Int) throws -> [Int] {
    let answers = try draws(at: image, on: nextStreams())
    let means = (0..<classCount).map { k in answers.reduce(0) { $0 + $1.logits[k] } }
    return Array(AttackLoss.descending(means).filter { $0 != label }.prefix(count))
  }

  /// The one of `points` that the most of so many fresh draws misclassify, with its margin over
  /// them. Those level on a round of draws meet again, on three rounds at most; then the higher
  /// mean margin decides. All see the same noise.
  ///
  /// - Throws: what the classifier throws.
  mutating func choice(among points: [AttackPoint], draws count: Int) throws -> AttackPoint {
    var finalists = points.map { (point: $0, fooled: 0, margin: 0.0) }
    var drawn = 0
    for _ in 0..<3 where finalists.count > 1 || drawn == 0 {
      let streams = freshStreams(count)
      for i in finalists.indices {
        for answer in try draws(at: finalists[i].point.image, on: streams) {
          let margin = margin(answer)
          finalists[i].fooled += margin > 0 ? 1 : 0
          finalists[i].margin += margin
        }
      }
      drawn += count
      let most = finalists.map(\.fooled).max() ?? 0
      finalists.removeAll { $0.fooled < most }
    }
    var best = finalists[0]
    for other in finalists.dropFirst() where other.margin > best.margin { best = other }
    best.point.margin = best.margin / Double(drawn)
    return best.point
  }

  /// The streams of the next look.
  mutating func nextStreams() -> [NoiseStream] {
    knowledge.noise == .frozen ? [defence] : freshStreams(knowledge.draws)
  }

  private mutating func freshStreams(_ count: Int) -> [NoiseStream] {
    defer { looks += 1 }
    return (0..<count).map {
      NoiseStream(seed: seed, owner: .attack(step: looks, eot: $0))
    }
  }

  mutating func spend(_ more: Cost) { cost = cost + more }

  /// What an answer's margin says of it.
  private func margin(_ answer: LogitAnswer) -> Double {
    AttackLoss.judged(answer.logits, label: label, predicted: answer.predicted)
  }

  private mutating func draws(
    at image: [Float], on streams: [NoiseStream]
  ) throws -> [LogitAnswer] {
    let answers = try classifier.logits(of: streams.map { DrawnImage(image, on: $0) }, key: key)
    spend(answers.reduce(Cost()) { $0 + $1.cost })
    return answers
  }
}
