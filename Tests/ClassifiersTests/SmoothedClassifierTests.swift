import Classifiers
import Foundation
import Records
import Statistics
import TensorCore
import Testing

/// Three classes, z = W·x + b, on four pixels: of the first two alone the smoothed classifier, and how
/// far it holds, is known.
private struct Linear: ImageClassifier {
  let shape = ImageShape(channels: 1, height: 2, width: 2)
  let classCount = 3
  /// Of the third class, whose logit is this everywhere.
  var third = -100.0
  var isRandomized: Bool { false }

  static let normal = [1.0, -2.0, 0.5, 1.5]

  /// Distance to the plane between the first two classes, positive on the first's side.
  static func distance(_ image: [Float]) -> Double {
    let length = normal.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return (zip(normal, image).reduce(0) { $0 + $1.0 * Double($1.1) } - 0.4) / length
  }

  func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) -> LogitAnswer {
    let score = zip(Self.normal, image).reduce(0) { $0 + $1.0 * Double($1.1) } - 0.4
    return LogitAnswer(logits: [score, 0, third], cost: Cost(evaluations: 1))
  }

  func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) -> Answer {
    let logits = logits(of: image, key: key, stream: stream).logits
    let predicted = logits.indices.max { logits[$0] < logits[$1] } ?? 0
    return Answer(predicted: predicted, evidence: [], cost: Cost(evaluations: 1))
  }

  func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) -> LogitGradient {
    let logits = logits(of: image, key: key, stream: stream).logits
    let c = cotangent(logits)
    return LogitGradient(
      logits: logits, gradient: Self.normal.map { Float(c[0] * $0) },
      cost: Cost(evaluations: 1, gradients: 1))
  }
}

@Suite struct SmoothedClassifierTests {
  private static let images: [[Float]] = (0..<12).map { n in
    (0..<4).map { i in Float((n * 7 + i * 5) % 11) / 10 }
  }

  private func radius(
    _ answer: Answer, _ smoothing: Smoothing
  ) -> (chosen: Int, radius: Double) {
    let chosen = answer.evidence.filter { $0.lastRound == 1 }
    #expect(chosen.count == 1)
    let share = exp(chosen[0].elbo ?? -.infinity)
    return (
      chosen[0].label,
      CertifiedRadius.radius(
        votes: Int((share * Double(smoothing.draws)).rounded()), of: smoothing.draws,
        deviation: smoothing.deviation)
    )
  }

  /// Of a linear classifier of two classes the exact radius is the distance to the plane: what is
  /// certified never exceeds it, comes near it, and an attack of that size along the worst direction
  /// changes nothing.
  @Test func radiiOfALinearClassifierAreItsDistances() throws {
    let smoothing = Smoothing(deviation: 0.25, selection: 50, draws: 4000)
    let classifier = SmoothedClassifier(Linear(), smoothing)
    var near = 0
    for (index, image) in Self.images.enumerated() {
      let key = ImageKey(dataset: "d", split: "test", index: index)
      let exact = Linear.distance(image)
      let answer = try classifier.classify(image, key: key, stream: defence)
      let (chosen, found) = radius(answer, smoothing)
      #expect(found <= exact.magnitude, "\(found) \(exact)")
      #expect(answer.cost == Cost(evaluations: 4050))
      guard found > 0 else { continue }
      #expect(chosen == answer.predicted && answer.predicted == (exact > 0 ? 0 : 1))
      if exact.magnitude < 0.5, found > 0.8 * exact.magnitude - 0.02 { near += 1 }
      let length = Linear.normal.reduce(0) { $0 + $1 * $1 }.squareRoot()
      func moved(_ distance: Double) -> [Float] {
        zip(image, Linear.normal).map {
          Float(Double($0) - (exact > 0 ? 1 : -1) * distance * $1 / length)
        }
      }
      let held = try classifier.classify(moved(found), key: key, stream: defence)
      #expect(held.predicted == answer.predicted)
      let lost = try classifier.classify(
        moved(exact.magnitude + 0.05), key: key, stream: defence)
      #expect(lost.predicted != answer.predicted)
    }
    #expect(near >= 3)
  }

  /// The share of votes is Φ(distance/τ), on draws that differ from stream to stream.
  @Test func votesHaveTheSharesOfTheNoise() throws {
    let smoothing = Smoothing(deviation: 0.5, selection: 10, draws: 4000)
    let classifier = SmoothedClassifier(Linear(), smoothing)
    let image = Self.images[1]
    let expected = erfc(-Linear.distance(image) / 0.5 / 2.0.squareRoot()) / 2
    let shares = try (0..<4).map { seed in
      let answer = try classifier.classify(
        image, key: key, stream: NoiseStream(seed: UInt64(seed), owner: .defence))
      // A class without votes has no evidence.
      #expect(answer.evidence[2].elbo == nil)
      return exp(answer.evidence[0].elbo ?? -.infinity)
    }
    #expect(Set(shares).count > 1)
    let deviation = (expected * (1 - expected) / 16_000).squareRoot()
    #expect(abs(shares.reduce(0, +) / 4 - expected) < 4 * deviation)
  }

  /// What an attacker sees is what is answered: votes, which may go otherwise than the mean softmax.
  @Test func attackersSeeTheVotes() throws {
    let classifier = SmoothedClassifier(Linear(), Smoothing(deviation: 1, selection: 1, draws: 3))
    var otherwise = 0
    for seed in 0..<40 {
      let stream = NoiseStream(seed: UInt64(seed), owner: .defence)
      for image in Self.images {
        let answer = try classifier.classify(image, key: key, stream: stream)
        let seen = try classifier.logits(of: image, key: key, stream: stream)
        #expect(seen.predicted == answer.predicted)
        if Answer(logits: seen.logits, cost: seen.cost).predicted != answer.predicted {
          otherwise += 1
        }
      }
    }
    #expect(otherwise > 0)
  }

  /// ln of the mean softmax over the draws, and its gradient by differences.
  @Test func gradientsAreThoseOfTheMeanSoftmax() throws {
    let smoothing = Smoothing(deviation: 0.5, selection: 3, draws: 7)
    let classifier = SmoothedClassifier(Linear(third: 0.2), smoothing)
    let image: [Float] = [0.5, 0.25, 0.75, 0.5]
    let cotangent: @Sendable ([Double]) -> [Double] = { _ in [0.7, -1.3, 0.4] }
    let result = try classifier.gradient(of: image, key: key, stream: defence, cotangent: cotangent)
    func logits(_ image: [Float]) throws -> [Double] {
      try classifier.logits(of: image, key: key, stream: defence).logits
    }
    #expect(try logits(image) == result.logits)
    #expect(abs(result.logits.reduce(0) { $0 + exp($1) } - 1) < 1e-12)
    for i in image.indices {
      func value(_ step: Float) throws -> Double {
        var moved = image
        moved[i] += step
        return zip(try logits(moved), cotangent([])).reduce(0) { $0 + $1.0 * $1.1 }
      }
      let difference = (try value(0.01) - value(-0.01)) / 0.02
      #expect(abs(difference - Double(result.gradient[i])) < 1e-3)
    }
    #expect(result.cost == Cost(evaluations: 14, gradients: 7))
  }
}
