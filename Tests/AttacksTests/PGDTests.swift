import Attacks
import Basics
import Classifiers
import Foundation
import Records
import TensorCore
import Testing

@Suite struct PGDTests {
  private let classifier = LinearClassifier()
  private let key = ImageKey(dataset: "d", split: "test", index: 0)
  private let image = (0..<12).map { Float([10, 128, 200, 255, 0, 77][$0 % 6]) / 255 }
  private let stream = NoiseStream(seed: 0, owner: .defence)

  private func logits(_ image: [Float]) -> [Double] {
    classifier.logits(of: image, key: key, stream: stream).logits
  }

  private var label: Int {
    let z = logits(image)
    return z.indices.max { z[$0] < z[$1] } ?? 0
  }

  /// Against a linear classifier the best margin is that of the best rival's corner of the ball.
  @Test(arguments: AttackLoss.allCases)
  func reachesTheOptimumOfALinearClassifier(loss: AttackLoss) throws {
    let (y, epsilon) = (label, 0.05)
    let best =
      (0..<4).filter { $0 != y }.map { rival in
        let corner = image.indices.map { i -> Float in
          let slope = classifier.weight(rival, i) - classifier.weight(y, i)
          let moved = Double(image[i]) + (slope > 0 ? epsilon : slope < 0 ? -epsilon : 0)
          return Float(min(max(moved, 0), 1))
        }
        let z = logits(corner)
        return z[rival] - z[y]
      }.max() ?? 0
    let attack = Attacker(
      PGD(loss: loss, norm: .linf, epsilon: epsilon, steps: 20), restarts: 2)
    let result = try attack.perturb(
      image, label: y, key: key, seed: 1, defence: stream, against: classifier)
    let margin = AttackLoss.margin.value(logits(result.image), label: y).loss
    #expect(margin > best - (loss == .margin ? 1e-5 : 0.05))
    #expect(result.cost.gradients == 2 * 21)
  }

  @Test(arguments: AttackConfiguration.Norm.balls)
  func staysInTheBallAndRepeatsItself(norm: AttackConfiguration.Norm) throws {
    let attack = Attacker(
      PGD(loss: .dlr, norm: norm, epsilon: 8.0 / 255, steps: 7), knowing: Knowledge(draws: 2))
    func run(_ seed: UInt64) throws -> [Float] {
      try attack.perturb(
        image, label: 0, key: key, seed: seed, defence: stream,
        against: LinearClassifier(jitter: 0.5)
      ).image
    }
    let found = try run(3)
    let ball = Ball(around: image, norm: norm, epsilon: 8.0 / 255)
    let distance =
      norm == .linf ? ball.distanceInfinity(found) : ball.distance2(found.map(Double.init))
    #expect(distance <= 8.0 / 255 && distance > 0.8 * 8.0 / 255)
    #expect(found.allSatisfy { (0...1).contains($0) })
    #expect(try found == run(3) && found != run(4))
  }

  /// FGSM by its definition: x + ε·sign ∇CE, clipped, whatever that does to the loss.
  @Test func singleStepsAreThoseOfTheDefinition() throws {
    let (y, epsilon) = (label, 0.1)
    let slope = AttackLoss.ce.value(logits(image), label: y).gradient
    let expected = image.indices.map { i -> Float in
      let g = (0..<4).reduce(0) { $0 + slope[$1] * classifier.weight($1, i) }
      return Float(min(max(Double(image[i]) + (g > 0 ? epsilon : g < 0 ? -epsilon : 0), 0), 1))
    }
    let attack = try Attacks.make(
      AttackConfiguration(name: "fgsm", norm: .linf, epsilon: epsilon, steps: 1), classCount: 4,
      shape: classifier.shape)
    let result = try attack.perturb(
      image, label: y, key: key, seed: 1, defence: stream, against: classifier)
    for (a, b) in zip(result.image, expected) { #expect(abs(a - b) < 1e-6) }
    #expect(result.cost.gradients == 2)
    let other = try attack.perturb(
      image, label: y, key: key, seed: 2, defence: stream, against: classifier)
    #expect(other.image == result.image)
  }

  /// Starts lie in the ball, uniform ones fill it, and steps of a zero gradient move nothing.
  @Test(arguments: AttackConfiguration.Norm.balls)
  func startsAndStepsStayInside(norm: AttackConfiguration.Norm) {
    let grey = [Float](repeating: 0.5, count: 400)
    let ball = Ball(around: grey, norm: norm, epsilon: 0.2)
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    #expect(ball.start(.clean, &random) == grey)
    let start = ball.start(.uniform, &random)
    let distance =
      norm == .linf ? ball.distanceInfinity(start) : ball.distance2(start.map(Double.init))
    #expect(distance <= 0.2 && distance > 0.19)
    let near = ball.start(.gaussian(deviation: 0.001), &random)
    let spread = ball.distance2(near.map(Double.init)) / 20
    #expect(abs(spread - 0.001) < 0.00015)
    for flat in [[Float](repeating: 0, count: 400), [Float](repeating: .nan, count: 400)] {
      #expect(ball.stepped(start, along: flat, by: 0.1) == start)
    }
    let gradient = start.indices.map { Float($0 % 3 - 1) }
    let moved = ball.stepped(grey, along: gradient, by: 0.01)
    let length = norm == .linf ? 1 : gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for (i, value) in moved.enumerated() {
      #expect(abs(value - 0.5 - 0.01 * gradient[i] / length) < 1e-6)
    }
  }
}
