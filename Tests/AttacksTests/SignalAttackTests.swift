import Attacks
import Basics
import Records
import TensorCore
import Testing

/// Attacks on signals, images of one row.
@Suite struct SignalAttackTests {
  private let shape = ImageShape(channels: 2, height: 1, width: 40)

  /// Patches are stretches of the row, of the share that is asked for.
  @Test(arguments: AttackConfiguration.Norm.balls)
  func patchesAreStretches(norm: AttackConfiguration.Norm) {
    let grey = [Float](repeating: 0.5, count: shape.count)
    let ball = Ball(around: grey, norm: norm, epsilon: 0.3)
    let patches = SquarePatches(shape: shape, ball: ball)
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    var current = patches.start(&random)
    #expect(current != grey)
    for share in [0.8, 0.4, 0.1, 0.01] {
      for _ in 0..<20 {
        let next = patches.next(current, share: share, &random)
        let distance = ball.distance(next)
        #expect(distance <= 0.3 && distance > 0.3 - 1e-5)
        if norm == .linf {
          let changed = zip(next, current).enumerated().filter { $1.0 != $1.1 }.map { $0.0 % 40 }
          let length = max(Int((share * 40).rounded()), 1)
          #expect((changed.max() ?? 0) - (changed.min() ?? 0) < length)
        }
        current = next
      }
    }
  }

  @Test(arguments: ["stadv", "rotation-translation", "corruption-blur"])
  func attacksOfPicturesAreRefused(name: String) throws {
    let usual = try Attacks.usual(name)
    let error = try #require(throws: ElbowError.self) {
      try Attacks.make(usual, classCount: 2, shape: shape)
    }
    #expect(error.message.contains("is of pictures"))
    var square = shape
    square.height = 40
    #expect(throws: Never.self) { try Attacks.make(usual, classCount: 2, shape: square) }
  }
}
