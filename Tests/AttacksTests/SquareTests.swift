import Attacks
import Classifiers
import Records
import TensorCore
import Testing

@Suite struct SquareTests {
  private let image = (0..<144).map { Float(($0 * 37) % 256) / 255 }
  private let shape = ImageShape(channels: 1, height: 12, width: 12)

  private func attack(
    _ norm: AttackConfiguration.Norm, factor: Double, queries: Int, jitter: Double = 0
  ) throws -> (result: AttackResult, isBroken: Bool) {
    let classifier = LinearClassifier(shape: shape, jitter: jitter)
    let quiet = LinearClassifier(shape: shape)
    let epsilon = factor * quiet.exactDistance(of: image, norm: norm)
    let result = try Attacker(Square(norm: norm, epsilon: epsilon, queries: queries)).perturb(
      image, label: quiet.label(of: image), key: LinearClassifier.key, seed: 4,
      defence: LinearClassifier.stream, against: classifier)
    return (result, quiet.label(of: result.image) != quiet.label(of: image))
  }

  @Test func patchesHalveByTheSchedule() {
    let square = Square(norm: .linf, epsilon: 0.1)
    #expect(
      [0, 10, 11, 50, 51, 1001, 4000].map { square.share(at: $0) } == [
        0.8, 0.8, 0.4, 0.4, 0.2, 0.8 / 32, 0.8 / 64,
      ])
    #expect(square.share(at: 8001) == 0.8 / 512)
  }

  /// It breaks what a ball somewhat larger than needed holds, ends there, and never one that is too
  /// small.
  @Test(arguments: AttackConfiguration.Norm.balls)
  func breaksByQueriesAlone(norm: AttackConfiguration.Norm) throws {
    let large = try attack(norm, factor: norm == .l2 ? 2.5 : 1.6, queries: 3000)
    #expect(large.isBroken)
    #expect(large.result.cost.evaluations < 3001)
    let small = try attack(norm, factor: 0.95, queries: 300)
    #expect(!small.isBroken)
    #expect(small.result.cost == Cost(evaluations: 301))
  }

  /// More queries never lower the margin that it ends with.
  @Test(arguments: AttackConfiguration.Norm.balls)
  func marginsRiseWithQueries(norm: AttackConfiguration.Norm) throws {
    let losses = try [0, 10, 100, 1000].map {
      try attack(norm, factor: 0.95, queries: $0).result.loss
    }
    #expect(losses == losses.sorted() && losses[0] < losses[3])
  }

  /// Luck is no end: of a randomized classifier it takes all its queries.
  @Test func randomizedClassifiersTakeAllQueries() throws {
    let found = try attack(.linf, factor: 3, queries: 200, jitter: 0.1)
    #expect(found.result.cost.evaluations == 201)
  }

  @Test(arguments: AttackConfiguration.Norm.balls, [1, 3])
  func proposalsAreInTheBallAndOfItsSize(norm: AttackConfiguration.Norm, channels: Int) {
    let shape = ImageShape(channels: channels, height: 12, width: 10)
    let grey = [Float](repeating: 0.5, count: shape.count)
    let ball = Ball(around: grey, norm: norm, epsilon: 0.3)
    let patches = SquarePatches(shape: shape, ball: ball)
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    var current = patches.start(&random)
    for share in [0.8, 0.4, 0.1, 0.01, 1e-6] {
      for _ in 0..<20 {
        let next = patches.next(current, share: share, &random)
        #expect(next != current || norm == .linf)
        let distance = ball.distance(next)
        #expect(distance <= 0.3 && distance > 0.3 - 1e-5)
        if norm == .linf {
          // A square and no more has changed.
          let side = max(Int((share * 120).squareRoot().rounded()), 1)
          let changed = zip(next, current).count { $0 != $1 }
          #expect(changed <= channels * min(side, 10) * min(side, 10))
        }
        current = next
      }
    }
  }
}
