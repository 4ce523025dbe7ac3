import Basics
import Classifiers
import Foundation
import Records
import TensorCore
import Testing

/// Strategies that drop classes as they go, against their definitions worked out from scratch.
@Suite struct EliminationTests {
  /// Noise in −1…1 that only depends on its arguments.
  private static func noise(_ a: Int, _ b: Int, _ c: Int) -> Double {
    var x = UInt64(truncatingIfNeeded: a &* 7919 &+ b &* 104_729 &+ c &* 1_299_709 &+ 12345)
    for _ in 0..<3 {
      x ^= x >> 33
      x = x &* 0xff51_afd7_ed55_8ccd
    }
    return Double(x >> 11) / Double(1 << 52) - 1
  }

  /// Losses of image `index`: class y is `gap`·y worse than class 0, give or take `spread`.
  private static func source(
    _ index: Int, classes: Int = 4, gap: Double, spread: Double
  ) -> TableSource {
    TableSource(classCount: classes) { t, y, d in
      Float(10 + gap * Double(y) + spread * noise(index, t * 64 + y, d) + 3 * noise(index, t, 99))
    }
  }

  private static func plan(
    _ strategy: String, grid: String = "linear:1:2:40", classes: Int = 4,
    _ change: (inout Configuration) -> Void = { _ in }
  ) throws -> ClassifierPlan {
    var c = Configuration(classifier: .dc, model: "m", grid: grid, weights: "elbo")
    c.strategy = strategy
    change(&c)
    return try ClassifierPlan(
      c, classCount: classes, shape: ImageShape(channels: 1, height: 2, width: 2))
  }

  private static func image(_ index: Int) -> ImageKey {
    ImageKey(dataset: "d", split: "s", index: index)
  }

  /// Timesteps in the order asked, and the number asked of each class.
  private static func asked(_ answer: Answer) throws -> (order: [Int], counts: [Int]) {
    guard case .sparse(let losses)? = answer.losses else { throw CocoaError(.coderInvalidValue) }
    var order: [Int] = []
    for loss in losses where !order.contains(loss.timestep) { order.append(loss.timestep) }
    let counts = answer.evidence.map { evidence in
      Set(losses.filter { $0.label == evidence.label }.map(\.timestep)).count
    }
    return (order, counts)
  }

  private static let changes: [@Sendable (inout Configuration) -> Void] = [
    { _ in }, { $0.draws = 2 }, { ($0.reduction, $0.logitScale) = (.mean, 3) },
    { $0.prior = [0.1, 0.4, 0.3, 0.2] },
  ]

  /// s·w_i·ℓ_i of every class.
  private static func losses(
    _ plan: ClassifierPlan, _ source: TableSource, at timestep: Int
  ) -> [Double] {
    let c = plan.configuration
    let scale = c.logitScale / (c.reduction == .mean ? 4 : 1)
    return (0..<4).map { y in
      (0..<c.draws).reduce(0) { sum, draw in
        sum + scale * plan.weights[timestep] * Double(source.table(timestep, y, draw))
          / Double(c.draws)
      }
    }
  }

  /// Classes left after each timestep of `order`, by the bound as it is documented.
  private static func race(
    _ plan: ClassifierPlan, _ order: [Int], delta: Double, _ source: TableSource
  ) -> [[Int]] {
    let total = Double(plan.grid.count)
    let alpha = delta / 3
    let priors = (0..<4).map { y in plan.configuration.prior.map { log($0[y]) } ?? 0 }
    var left = [0, 1, 2, 3]
    var history: [[Int]] = []
    let seen = order.map { losses(plan, source, at: $0) }
    for t in 1...order.count {
      let n = Double(t)
      func sum(_ k: Int) -> Double { seen[..<t].reduce(0) { $0 + $1[k] } }
      let leader = left.min { total / n * sum($0) - priors[$0] < total / n * sum($1) - priors[$1] }
      if let j = leader, t >= 8, t < plan.grid.count {
        left = left.filter { k in
          if k == j { return true }
          let x = seen[..<t].map { $0[k] - $0[j] }
          var (a, b, s) = (0.0, 0.0, 0.0)
          for (i, value) in x.enumerated() {
            a += value + s / (total - Double(i))
            b += total / (total - Double(i))
            s += value
          }
          let mean = s / n
          let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
          let weights = order[..<t].map { plan.weights[$0] }
          let all = plan.weights.reduce(0) { $0 + $1 * $1 } / total
          let scale = max(1, all / (weights.reduce(0) { $0 + $1 * $1 } / n))
          let e = -2 * log(alpha)
          let rho = (e + log(e + 1)) / max(total / 8, 8)
          let growth = n * rho + 1
          let bound =
            (variance * scale).squareRoot()
            * (2 * growth / rho * log(1 + growth.squareRoot() / (2 * alpha))).squareRoot()
          let null = (priors[k] - priors[j]) / total
          return a - null * b <= bound
        }
      }
      history.append(left)
      if left.count == 1 { break }
    }
    return history
  }

  @Test(arguments: 0..<4, [0.02, 0.3])
  func racesEndWhereTheBoundSaysSo(change: Int, gap: Double) throws {
    var early = 0
    for index in 0..<12 {
      let source = Self.source(index, gap: gap, spread: 0.4)
      let plan = try Self.plan("racing:0.1", Self.changes[change])
      let answer = try plan.answer(asking: source, key: Self.image(index), stream: defence)
      let (order, counts) = try Self.asked(answer)
      let history = Self.race(plan, order, delta: 0.1, source)
      // One too many would have been asked of a race that is decided.
      #expect(history.count == order.count)
      let survivors = history.last ?? []
      #expect(answer.evidence.filter { $0.elbo != nil }.map(\.label) == survivors)
      for y in 0..<4 {
        let dropped = history.firstIndex { !$0.contains(y) }.map { $0 + 1 }
        #expect(counts[y] == dropped ?? order.count)
        #expect(answer.evidence[y].lastRound == counts[y] - 1)
      }
      #expect(answer.cost.evaluations == counts.reduce(0, +) * plan.configuration.draws)
      early += order.count < 40 ? 1 : 0
    }
    #expect(gap < 0.1 || early > 6)
  }

  /// Close races: the leader of the whole grid loses no more often than δ, though the bound is
  /// looked at after every timestep.
  @Test func racesDisagreeNoMoreOftenThanTheySay() throws {
    let (full, race) = (try Self.plan("full"), try Self.plan("racing:0.1"))
    var (wrong, short) = (0, 0)
    for index in 0..<400 {
      let source = Self.source(index, gap: 0.05, spread: 0.5)
      let whole = try full.answer(asking: source, key: Self.image(index), stream: defence)
      let raced = try race.answer(asking: source, key: Self.image(index), stream: defence)
      wrong += raced.predicted == whole.predicted ? 0 : 1
      short += raced.cost.evaluations < whole.cost.evaluations ? 1 : 0
    }
    // Three standard errors above δ.
    #expect(wrong <= 58)
    #expect(short > 100)
  }

  /// A grid with one level that decides is looked at until that level has been seen.
  @Test func racesWaitForTheLevelThatDecides() throws {
    let plan = try Self.plan("racing:0.1", grid: "linear:0.001:2:40")
    // Everywhere but at the first level class 0 is ahead by far.
    let source = TableSource(classCount: 4) { t, y, _ in
      t == 0 ? Float(4 - y) : Float(y) + 0.01 * Float((t * 7 + y * 3) % 5)
    }
    for index in 0..<40 {
      let answer = try plan.answer(asking: source, key: Self.image(index), stream: defence)
      #expect(answer.predicted == 3)
    }
  }

  @Test func racesGoInOrdersOfTheirOwn() throws {
    let plan = try Self.plan("racing:0.1")
    let orders = try (0..<2).map { index in
      try Self.asked(
        plan.answer(
          asking: Self.source(0, gap: 0, spread: 1), key: Self.image(index), stream: defence)
      ).order
    }
    #expect(orders[0] != orders[1])
    #expect(orders.allSatisfy { Set($0).count == $0.count })
  }

  @Test(arguments: 0..<4, [0.5, 2.0])
  func siftsDropWhatTheThresholdSays(change: Int, threshold: Double) throws {
    for index in 0..<12 {
      let source = Self.source(index, gap: 0.3, spread: 0.4)
      let plan = try Self.plan("sift:\(threshold),20", Self.changes[change])
      let answer = try plan.answer(asking: source, key: Self.image(index), stream: defence)
      let (order, counts) = try Self.asked(answer)
      var totals = (0..<4).map { y in -(plan.configuration.prior.map { log($0[y]) } ?? 0) }
      var left = [0, 1, 2, 3]
      var expected = [Int](repeating: 0, count: 4)
      for timestep in order {
        #expect(left.count > 1)
        for y in left {
          totals[y] += Self.losses(plan, source, at: timestep)[y]
          expected[y] += 1
        }
        let best = left.map { totals[$0] }.min() ?? 0
        left = left.filter { totals[$0] - best <= threshold }
      }
      #expect(counts == expected)
      #expect(answer.evidence.filter { $0.elbo != nil }.map(\.label) == left)
      #expect(left.count == 1 || order.sorted() == EvenSubset.indices(20, of: 40))
    }
  }

  /// Powers of two of the timesteps are evenly spaced, so that an early look is a fair one.
  @Test func siftsGoFromCoarseToFine() throws {
    let plan = try Self.plan("sift:1e9,16")
    let source = Self.source(1, gap: 0.1, spread: 0.1)
    let order = try Self.asked(
      plan.answer(asking: source, key: Self.image(1), stream: defence)
    ).order
    #expect(order.sorted() == EvenSubset.indices(16, of: 40))
    for size in [2, 4, 8] {
      let gaps = zip(order[..<size].sorted(), order[..<size].sorted().dropFirst()).map { $1 - $0 }
      let (least, most) = (gaps.min() ?? 0, gaps.max() ?? 0)
      #expect(most - least <= 3, "\(order[..<size])")
    }
  }

  @Test func divergedClassesAreOut() throws {
    for strategy in ["racing:0.1", "sift:3,20"] {
      let source = TableSource(classCount: 4) { t, y, _ in
        y == 0 && t % 3 == 0 ? .infinity : Float(y) + Float(Self.noise(t, y, 0))
      }
      let answer = try Self.plan(strategy)
        .answer(asking: source, key: Self.image(3), stream: defence)
      #expect(answer.predicted == 1, "\(strategy)")
      #expect(answer.evidence[0].elbo == nil)
    }
  }

  @Test(arguments: [
    ("racing:0.050", "racing:0.05"), ("racing:1e-3", "racing:0.001"),
    ("sift:2.50,10", "sift:2.5,10"),
  ])
  func spellings(text: String, canonical: String) throws {
    #expect(try Self.plan(text).configuration.strategy == canonical)
  }

  @Test(arguments: [
    "racing", "racing:0", "racing:1", "racing:nan", "racing:x", "sift:2", "sift:0,5", "sift:inf,5",
    "sift:2,41", "sift:2,x", "sift:2,5,6",
  ])
  func malformed(strategy: String) {
    #expect(throws: ElbowError.self) { try Self.plan(strategy) }
  }
}
