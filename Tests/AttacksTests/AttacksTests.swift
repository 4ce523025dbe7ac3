import Attacks
import Basics
import Classifiers
import Foundation
import Records
import TensorCore
import Testing

private let key = ImageKey(dataset: "d", split: "test", index: 0)
private let stream = NoiseStream(seed: 0, owner: .defence)
private let image = (0..<12).map { Float([10, 128, 200, 255, 0, 77][$0 % 6]) / 255 }

@Suite struct AttackLossTests {
  @Test(arguments: AttackLoss.allCases, [[3.0, 1, 2, -1], [0.5, 0.6, 0.1, 0.2], [-4, 9, 2, 8]])
  func gradientsMatchFiniteDifferences(loss: AttackLoss, z: [Double]) {
    for y in z.indices {
      let (_, gradient) = loss.value(z, label: y)
      for k in z.indices {
        var (a, b) = (z, z)
        a[k] += 1e-6
        b[k] -= 1e-6
        let difference = (loss.value(a, label: y).loss - loss.value(b, label: y).loss) / 2e-6
        #expect(abs(difference - gradient[k]) < 1e-6 * max(1, abs(difference)))
      }
    }
  }

  @Test func valuesByHand() {
    #expect(AttackLoss.margin.value([3, 1, 2], label: 0).loss == -1)
    #expect(abs(AttackLoss.dlr.value([3, 1, 2], label: 0).loss + 0.5) < 1e-9)
    #expect(abs(AttackLoss.dlr.value([3, 1, 2], label: 1).loss - 1) < 1e-9)
    #expect(abs(AttackLoss.ce.value([0, 0], label: 0).loss - log(2.0)) < 1e-12)
  }

  /// A margin of 86 makes 1 − softmax vanish in Float and in Double; its tail does not.
  @Test func saturatedCrossEntropyKeepsItsGradient() {
    let (_, gradient) = AttackLoss.ce.value([86, 0, -5], label: 0)
    #expect(gradient[1] > 0 && gradient[0] < 0)
    #expect(abs(gradient[1] / exp(-86) - 1) < 1e-12)
  }

  @Test func logitsThatAreNotFiniteAreNeverKept() {
    for loss in AttackLoss.allCases {
      let (value, gradient) = loss.value([1, -.infinity, 0], label: 0)
      #expect(value == -.infinity)
      #expect(gradient == [0, 0, 0])
    }
  }
}

@Suite struct BallTests {
  @Test(arguments: [8.0 / 255, 16.0 / 255, 0.1, 0.3, 1e-3], [AttackConfiguration.Norm.linf, .l2])
  func projectionsAreExactlyInside(epsilon: Double, norm: AttackConfiguration.Norm) {
    let levels = (0..<256).map { Double($0) / 255 }
    let ball = Ball(
      around: levels.map { Float($0) }, norm: norm, epsilon: epsilon)
    #expect(ball.centre == levels)
    var random = NoiseKey(
      NoiseStream(seed: 1, owner: .defence), .start, key
    ).random()
    for reach in [0.5, 1, 1.000001, 3, 100] {
      let wild = levels.map { $0 + reach * epsilon * (2 * random.uniform() - 1) }
      let corner = levels.enumerated().map { $1 + ($0 % 2 == 0 ? reach : -reach) * epsilon }
      for point in [wild, corner] {
        let inside = ball.project(point)
        #expect(inside.allSatisfy { (0...1).contains($0) })
        let differences = zip(inside, levels).map { (Double($0) - $1).magnitude }
        if norm == .linf { #expect(differences.allSatisfy { $0 <= epsilon }) }
        if norm == .l2 {
          #expect(differences.reduce(0) { $0 + $1 * $1 }.squareRoot() <= epsilon)
        }
      }
    }
  }

  @Test func projectionKeepsWhatIsInside() {
    let ball = Ball(around: image, norm: .l2, epsilon: 1)
    let near = image.map { Double(Float(min(Double($0) + 0.01, 1))) }
    #expect(ball.project(near) == near.map { Float($0) })
  }
}

@Suite struct APGDTests {
  /// The public code's checkpoints for 100 iterations.
  @Test func checkpoints() {
    #expect(APGD.checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99])
    #expect(APGD.checkpoints(1) == [1])
    #expect(APGD.checkpoints(8) == [1, 2, 3, 4, 5, 6, 7, 8])
  }

  /// Against a linear classifier the attack must reach the optimum: the best rival's gap at the
  /// corner (ℓ∞, inside [0, 1]) of the ball.
  @Test(arguments: AttackLoss.allCases)
  func reachesTheOptimumOfALinearClassifier(loss: AttackLoss) throws {
    let classifier = LinearClassifier()
    let epsilon = 0.05
    let clean = classifier.logits(of: image, key: key, stream: stream).logits
    let y = clean.indices.max { clean[$0] < clean[$1] } ?? 0
    let best =
      clean.indices.filter { $0 != y }.map { rival in
        let corner = image.indices.map { i -> Float in
          let slope = classifier.weight(rival, i) - classifier.weight(y, i)
          let moved = Double(image[i]) + (slope > 0 ? epsilon : slope < 0 ? -epsilon : 0)
          return Float(min(max(moved, 0), 1))
        }
        let z = classifier.logits(of: corner, key: key, stream: stream).logits
        return z[rival] - z[y]
      }.max() ?? 0
    let attack = Attacker(
      APGD(loss: loss, norm: .linf, epsilon: epsilon, steps: 50), restarts: 3)
    let result = try attack.perturb(
      image, label: y, key: key, seed: 1, defence: stream, against: classifier)
    let z = classifier.logits(of: result.image, key: key, stream: stream).logits
    let margin = AttackLoss.margin.value(z, label: y).loss
    // DLR's and CE's optima are not exactly the margin's; all come close.
    #expect(margin > best - (loss == .margin ? 1e-5 : 0.05))
    #expect(try #require(result.zeroGradientShare) < 0.2)
    #expect(result.cost.gradients == 3 * 51)
  }

  @Test(arguments: [AttackConfiguration.Norm.linf, .l2])
  func staysInTheBallAndRaisesTheLoss(norm: AttackConfiguration.Norm) throws {
    let classifier = LinearClassifier(jitter: 0.01)
    for restart in 0..<5 {
      let attack = Attacker(
        APGD(loss: .dlr, norm: norm, epsilon: 8.0 / 255, steps: 10), knowing: Knowledge(draws: 3))
      let result = try attack.perturb(
        image, label: 0, key: key, seed: UInt64(restart), defence: stream, against: classifier)
      let ball = Ball(around: image, norm: norm, epsilon: 8.0 / 255)
      let distance =
        norm == .linf
        ? ball.distanceInfinity(result.image) : ball.distance2(result.image.map(Double.init))
      #expect(distance <= 8.0 / 255)
      #expect(distance > 0.9 * 8.0 / 255)
      #expect(result.image.allSatisfy { (0...1).contains($0) })
      #expect(result.cost.evaluations == 11 * 3 * 2)
    }
  }

  @Test func seedsDecideTheResult() throws {
    let classifier = LinearClassifier(jitter: 0.5)
    let attack = Attacker(APGD(loss: .margin, norm: .l2, epsilon: 0.3, steps: 3))
    func run(_ seed: UInt64) throws -> [Float] {
      try attack.perturb(
        image, label: 1, key: key, seed: seed, defence: stream, against: classifier
      ).image
    }
    #expect(try run(5) == run(5))
    #expect(try run(5) != run(6))
  }

  /// Without a slope everywhere the share of zero gradients says so.
  @Test func zeroGradientsAreCounted() throws {
    let attack = Attacker(APGD(loss: .margin, norm: .linf, epsilon: 0.1, steps: 4))
    let result = try attack.perturb(
      image, label: 0, key: key, seed: 0, defence: stream, against: LinearClassifier(scale: 0))
    #expect(result.zeroGradientShare == 1)
  }
}
