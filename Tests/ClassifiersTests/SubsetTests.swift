import Basics
import Classifiers
import Foundation
import Records
import TensorCore
import Testing

/// Listed timesteps, and learning them.
@Suite struct SubsetTests {
  private static func plan(_ strategy: String) throws -> ClassifierPlan {
    var c = Configuration(classifier: .dc, model: "m", grid: "linear:1:2:20", weights: "uniform")
    c.strategy = strategy
    return try ClassifierPlan(
      c, classCount: 3, shape: ImageShape(channels: 1, height: 2, width: 2))
  }

  private static let image = ImageKey(dataset: "d", split: "s", index: 0)
  private static let source = TableSource(classCount: 3) { t, y, _ in
    Float((t * 5 + y * 7 + t * y) % 11) + 1
  }

  @Test(arguments: [
    ("subset:3", "subset:3"), ("subset:12*3.10+4*1", "subset:12*3.1+4"),
    ("sift:2.0,12*1e1+4", "sift:2,12*10+4"),
  ])
  func spellings(text: String, canonical: String) throws {
    #expect(try Self.plan(text).configuration.strategy == canonical)
  }

  @Test(arguments: [
    "subset", "subset:", "subset:3+", "subset:3+3", "subset:-1", "subset:20", "subset:3*0",
    "subset:3*x", "subset:3*1*2", "subset:3*inf", "sift:2,3+3", "sift:2,20*2",
  ])
  func malformed(strategy: String) {
    #expect(throws: ElbowError.self) { try Self.plan(strategy) }
  }

  /// logit_y = −Σ f_t·w_t·ℓ_ty over the listed timesteps; the record says with which weights.
  /// Exponents have no plus, which separates timesteps.
  @Test(arguments: [1e-300, 0.25, 1, 3, 4.147e307])
  func spellingsAreReadBack(factor: Double) throws {
    let list = TimestepList([.init(index: 3, factor: factor), .init(index: 7, factor: 2)])
    #expect(TimestepList(list.spelling) == list)
  }

  @Test func listedTimestepsCountByTheirFactors() throws {
    let plan = try Self.plan("subset:12*3+4+19*0.5")
    let answer = try plan.answer(asking: Self.source, key: Self.image, stream: defence)
    for y in 0..<3 {
      let expected = -[(12, 3.0), (4, 1), (19, 0.5)].reduce(0.0) {
        $0 + $1.1 / 20 * Double(Self.source.table($1.0, y, 0))
      }
      #expect(abs((answer.evidence[y].elbo ?? 0) - expected) < 1e-9)
    }
    #expect(answer.cost.evaluations == 9)
    let records = plan.timestepRecords
    #expect(records.filter { $0.strategyWeight != nil }.map(\.index) == [4, 12, 19])
    #expect(abs((records[12].strategyWeight ?? 0) - 3.0 / 20) < 1e-12)
    #expect(abs(records[12].weight - 1.0 / 20) < 1e-12)
  }

  /// The listed order, and a class out as soon as it is τ behind.
  @Test(arguments: [(0.5, 7), (0.9, 9), (1.3, 12)])
  func siftsFollowTheList(threshold: Double, evaluations: Int) throws {
    let list = [(12, 3.0), (4, 1.0), (19, 0.5), (0, 2.0)]
    let plan = try Self.plan("sift:\(threshold),12*3+4+19*0.5+0*2")
    let answer = try plan.answer(asking: Self.source, key: Self.image, stream: defence)
    var (left, totals, asked) = ([0, 1, 2], [0.0, 0, 0], 0)
    for (t, factor) in list where left.count > 1 {
      for y in left { totals[y] += factor / 20 * Double(Self.source.table(t, y, 0)) }
      asked += left.count
      let best = left.map { totals[$0] }.min() ?? 0
      left = left.filter { totals[$0] <= best + threshold }
    }
    #expect(asked == evaluations)
    #expect(answer.evidence.filter { $0.elbo != nil }.map(\.label) == left)
    #expect(answer.cost.evaluations == asked)
    for y in left { #expect(abs((answer.evidence[y].elbo ?? 0) + totals[y]) < 1e-9) }
  }

  /// Uniform numbers in −1…1.
  private static func noise(_ a: Int, _ b: Int, _ c: Int) -> Double {
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(UInt32(a), UInt32(b), UInt32(c)))
    return 2 * random.uniform() - 1
  }

  /// 300 images, 8 timesteps, 4 classes: of the wrong classes' losses, timestep t's lie `gaps[t]`
  /// higher.
  private static func samples(_ gaps: [Double]) -> (losses: [[Double]], labels: [Int]) {
    let labels = (0..<300).map { ($0 * 7 + $0 / 5) % 4 }
    let losses = labels.enumerated().map { n, label in
      gaps.indices.flatMap { t in
        (0..<4).map { k in 5 + (k == label ? 0 : gaps[t]) + noise(n, t, k) }
      }
    }
    return (losses, labels)
  }

  private static let gaps = [0, 0.1, 0, 0.9, 0, 0.4, 0.05, 0.6]

  private static func entropy(
    _ losses: [[Double]], _ labels: [Int], _ weights: [Double], _ list: TimestepList
  ) -> Double {
    zip(losses, labels).reduce(0) { sum, image in
      let logits = (0..<4).map { k in
        -list.steps.reduce(0) { $0 + $1.factor * weights[$1.index] * image.0[$1.index * 4 + k] }
      }
      let top = logits.max() ?? 0
      return sum + log(logits.reduce(0) { $0 + exp($1 - top) }) + top - logits[image.1]
    } / Double(losses.count)
  }

  /// What separates best comes first, whatever the grid's weights; and the factors are where the
  /// cross-entropy is least.
  @Test func greedyFindsWhatSeparates() {
    let (losses, labels) = Self.samples(Self.gaps)
    let weights = (0..<8).map { 0.5 + Double($0) }
    let learner = SubsetLearner(losses: losses, labels: labels, weights: weights)
    let list = learner.learn(.greedy, size: 3)
    #expect(list.steps.map(\.index) == [3, 7, 5])
    let least = Self.entropy(losses, labels, weights, list)
    for i in 0..<3 {
      for factor in [0.95, 1.05] {
        var steps = list.steps
        steps[i].factor *= factor
        #expect(Self.entropy(losses, labels, weights, TimestepList(steps)) > least)
      }
    }
    #expect(learner.learn(.greedy, size: 2).steps.map(\.index) == [3, 7])
  }

  /// Margins to the closest rival over the whole grid, in units of their deviation.
  @Test func importanceIsTheMarginInDeviations() throws {
    let (losses, labels) = Self.samples(Self.gaps)
    let weights = [Double](repeating: 2, count: 8)
    let list = SubsetLearner(losses: losses, labels: labels, weights: weights)
      .learn(.importance, size: 3)
    #expect(list.steps.map(\.index) == [3, 7, 5])
    let margins = zip(losses, labels).map { values, label in
      let totals = (0..<4).map { k in (0..<8).reduce(0) { $0 + values[$1 * 4 + k] } }
      let rival = (0..<4).filter { $0 != label }.min { totals[$0] < totals[$1] } ?? 0
      return 2 * (values[3 * 4 + rival] - values[3 * 4 + label])
    }
    let mean = margins.reduce(0, +) / 300
    let variance = margins.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 300
    #expect(abs(list.steps[0].factor - mean / variance) < 1e-3 * mean / variance)
  }

  /// No timestep is taken that tells nothing.
  @Test func nothingIsLearntFromNothing() {
    let labels = [0, 1, 2, 3]
    let losses = [[Double]](repeating: [1, 1, 1, 1, 2, 2, 2, 2], count: 4)
    let learner = SubsetLearner(losses: losses, labels: labels, weights: [1, 1])
    for method in SubsetLearner.Method.allCases {
      #expect(learner.learn(method, size: 2).steps.isEmpty)
    }
  }
}
