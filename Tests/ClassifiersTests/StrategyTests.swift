import Basics
import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

/// Losses from a table, counting what is asked.
struct TableSource: LossSource {
  var classCount: Int
  let sharesEvaluations = false
  var table: @Sendable (_ timestep: Int, _ label: Int, _ draw: Int) -> Float

  func losses(classes: [Int], timesteps: [Int], draw: Int) -> [Float] {
    timesteps.flatMap { t in classes.map { table(t, $0, draw) } }
  }
}

@Suite struct StrategyTests {
  private func plan(
    _ strategy: String, grid: String = "linear:1:2:20",
    _ change: (inout Configuration) -> Void = { _ in }
  ) throws -> ClassifierPlan {
    var c = Configuration(classifier: .dc, model: "m", grid: grid, weights: "uniform")
    c.strategy = strategy
    change(&c)
    return try ClassifierPlan(
      c, classCount: 4, shape: ImageShape(channels: 1, height: 2, width: 2))
  }

  private func run(_ plan: ClassifierPlan, _ source: TableSource) throws -> Answer {
    try plan.answer(asking: source, key: key, stream: defence)
  }

  /// Class 2 is best, 1 next; every timestep weighs 1/20.
  private static let source = TableSource(classCount: 4) { t, y, _ in
    Float([4, 2, 1, 3][y]) + Float(t) / 100
  }

  @Test func fullSumsTheGrid() throws {
    let answer = try run(plan("full"), Self.source)
    #expect(answer.predicted == 2)
    #expect(answer.cost == Cost(evaluations: 80))
    // The mean of 1 + t/100 over t < 20.
    let expected = -1.095
    let elbo = try #require(answer.evidence[2].elbo)
    #expect(abs(elbo - expected) < 1e-6)
  }

  @Test func evenSubsetsAreCentredAndScaled() throws {
    #expect(EvenSubset.indices(5, of: 20) == [2, 6, 10, 14, 18])
    #expect(EvenSubset.indices(3, of: 20) == [3, 10, 16])
    #expect(EvenSubset.indices(20, of: 20) == Array(0..<20))
    let flat = TableSource(classCount: 4) { _, y, _ in Float(y) }
    let full = try run(plan("full"), flat)
    let part = try run(plan("uniform:5"), flat)
    #expect(part.cost.evaluations == 20)
    for (a, b) in zip(full.evidence, part.evidence) {
      #expect(abs((a.elbo ?? 1) - (b.elbo ?? 2)) < 1e-12)
    }
  }

  @Test func partsOfTheGridKeepTheirWeights() throws {
    let flat = TableSource(classCount: 4) { _, y, _ in Float(y) }
    for (strategy, asked) in [
      ("first:4", [0, 1, 2, 3]), ("last:3", [17, 18, 19]), ("band:1.1:1.2", [2, 3, 4]),
    ] {
      let plan = try plan(strategy)
      #expect(plan.strategy.sharedTimesteps(of: 20) == asked)
      let answer = try run(plan, flat)
      #expect(abs((answer.evidence[3].elbo ?? 0) + 3 * Double(asked.count) / 20) < 1e-12)
    }
  }

  @Test func randomSubsetsDifferByImageAndHaveNoDoubles() throws {
    let plan = try plan("random:7")
    guard case .sparse(let losses)? = try run(plan, Self.source).losses else {
      Issue.record("random subsets are recorded with their places")
      return
    }
    let timesteps = Set(losses.map(\.timestep))
    #expect(timesteps.count == 7 && losses.count == 28)
    let other = ImageKey(dataset: "d", split: "s", index: 1)
    guard
      case .sparse(let others)? = try plan.answer(asking: Self.source, key: other, stream: defence)
        .losses
    else { return }
    #expect(Set(others.map(\.timestep)) != timesteps)
  }

  @Test func halvingEliminatesAndCounts() throws {
    let answer = try run(plan("halving:2x4,1x10"), Self.source)
    #expect(answer.predicted == 2)
    // 4 classes × 4, then 2 classes × 6 more.
    #expect(answer.cost.evaluations == 16 + 12)
    #expect(answer.evidence.map { $0.elbo == nil } == [true, true, false, true])
    #expect(answer.evidence.map(\.lastRound) == [0, 1, 1, 0])
    // The winner's estimate is that of the whole grid.
    let elbo = try #require(answer.evidence[2].elbo)
    #expect(abs(elbo + 1.1) < 0.05)
  }

  @Test func halvingSubsetsAreNested() throws {
    let plan = try plan("halving:2x4,1x10")
    guard case .sparse(let losses)? = try run(plan, Self.source).losses else { return }
    let first = losses.prefix(16).map(\.timestep)
    let winner = losses.filter { $0.label == 2 }.map(\.timestep)
    #expect(Set(winner).count == 10)
    #expect(Set(first).isSubset(of: Set(winner)))
    #expect(winner.sorted() == EvenSubset.indices(10, of: 20))
  }

  @Test func ledgersKeepDrawsApart() throws {
    let plan = try plan("uniform:2") { $0.draws = 2 }
    let source = TableSource(classCount: 4) { t, y, d in Float(100 * d + 10 * y + t) }
    let answer = try run(plan, source)
    guard case .dense(let losses)? = answer.losses else {
      Issue.record("shared subsets are recorded densely")
      return
    }
    // [draw][timestep][class].
    #expect(losses == [5, 15, 25, 35, 15, 25, 35, 45, 105, 115, 125, 135, 115, 125, 135, 145])
    #expect(answer.cost.evaluations == 16)
    // The mean over draws and timesteps of 5, 15, 105, 115, times T levels of width 1/T.
    let elbo = try #require(answer.evidence[0].elbo)
    #expect(abs(elbo + 60) < 1e-9)
  }

  @Test func priorScaleAndReduction() throws {
    let flat = TableSource(classCount: 4) { _, y, _ in [1, 1.01, 2, 3][y] }
    #expect(try run(plan("full"), flat).predicted == 0)
    let prior = try plan("full") { $0.prior = [0.1, 0.7, 0.1, 0.1] }
    #expect(try run(prior, flat).predicted == 1)
    let scaled = try run(plan("full") { ($0.reduction, $0.logitScale) = (.mean, 8) }, flat)
    #expect(abs((scaled.evidence[2].elbo ?? 0) + 2 * 8 / 4) < 1e-9)
  }

  @Test func divergedLossesLose() throws {
    let bad = TableSource(classCount: 4) { t, y, _ in y == 2 && t == 3 ? .infinity : Float(y + 1) }
    let answer = try run(plan("full"), bad)
    #expect(answer.predicted == 0)
    #expect(answer.evidence[2].elbo == -.infinity)
  }

  @Test(arguments: [
    "uniform:21", "uniform:0", "uniform", "uniform:", "full:3", "unifrm:3", "first:99",
    "band:5:6", "band:2", "halving:5x10", "halving:2x10,1x5", "halving:1x4,2x8", "halving:",
    "halving:2x30", "random:-1",
  ])
  func malformed(strategy: String) {
    #expect(throws: ElbowError.self) { try plan(strategy) }
  }

  @Test(arguments: [
    ("full", ["full"]), ("uniform:3", ["uniform:3"]),
    ("uniform:8..11", ["uniform:8", "uniform:9", "uniform:10", "uniform:11"]),
    (
      "halving:2x2..3,1x4..5",
      [
        "halving:2x2,1x4", "halving:2x2,1x5", "halving:2x3,1x4", "halving:2x3,1x5",
      ]
    ), ("first:7..7", ["first:7"]),
  ])
  func rangesAreWrittenOut(text: String, spellings: [String]) throws {
    #expect(try SamplingStrategies.expand(text) == spellings)
  }

  @Test func impossibleRanges() {
    #expect(throws: ElbowError.self) { try SamplingStrategies.expand("uniform:3..2") }
    #expect(throws: ElbowError.self) { try SamplingStrategies.expand("a:1..999:1..999") }
  }

  /// A record with places answers for these places, and names any other.
  @Test func recordedPlacesAreFound() throws {
    let items = [(1, 9, 2), (0, 4, 0), (1, 4, 2), (0, 9, 1)].enumerated().map { i, place in
      LossRecord.Loss(draw: place.0, timestep: place.1, label: place.2, value: Float(i))
    }
    let source = RecordedLossSource(
      .sparse(items), timesteps: [], classCount: 3, sharesEvaluations: false)
    for item in items {
      #expect(
        try source.losses(classes: [item.label], timesteps: [item.timestep], draw: item.draw)
          == [item.value])
    }
    for draw in 0..<3 {
      for timestep in 0..<12 {
        for label in 0..<3
        where !items.contains(where: { ($0.draw, $0.timestep, $0.label) == (draw, timestep, label) }
        ) {
          #expect(throws: MissingLoss(draw: draw, timestep: timestep, label: label)) {
            try source.losses(classes: [label], timesteps: [timestep], draw: draw)
          }
        }
      }
    }
    #expect(
      try source.losses(classes: [2], timesteps: [4, 9], draw: 1) == [2, 0], "in the order asked")
  }

  @Test func messagesSayWhatToDo() throws {
    let many = try #require(throws: ElbowError.self) { try plan("uniform:21") }
    #expect(many.description.contains("has 20; ask for 1 to 20"))
    let unknown = try #require(throws: ElbowError.self) { try plan("unifrm:3") }
    #expect(unknown.description.contains("did you mean 'uniform'"))
  }

  @Test func impossibleConfigurations() {
    func refuses(_ change: @escaping (inout Configuration) -> Void) {
      #expect(throws: ElbowError.self) { try plan("full", change) }
    }
    refuses { $0.prior = [0.5, 0.5] }
    refuses { $0.prior = [0.5, 0.5, .nan, 0] }
    refuses { $0.prior = [0.5, 0.5, 0.5, 0.5] }
    refuses { $0.logitScale = 0 }
    refuses { $0.draws = 0 }
    refuses { ($0.antithetic, $0.draws) = (true, 3) }
    refuses { ($0.grid, $0.weights) = ("linear:1e-120:2:20", "elbo") }
  }
}
