import Attacks
import Classifiers
import Foundation
import Records
import TensorCore
import Testing

/// The attack that keeps images likely, and the landscape around an image.
@Suite struct LikelyTests {
  private let image = (0..<12).map { Float([10, 128, 200, 255, 0, 77][$0 % 6]) / 255 }

  private static func evidence(_ z: [Double]) -> Double {
    let top = z.max() ?? 0
    return top + log(z.reduce(0) { $0 + exp($1 - top) })
  }

  @Test(arguments: [[3.0, 1, 2, -1, 0.5], [-4, 9, 2, 8, 3], [900, 890, 1, 2, 3]], [0, 0.3, 20])
  func objectivesMatchFiniteDifferences(z: [Double], weight: Double) {
    for y in z.indices {
      let objective = AttackObjective.likely(weight: weight)
      let (loss, gradient) = objective.value(z, label: y)
      let margin = AttackLoss.margin.value(z, label: y).loss
      #expect(abs(loss - margin - weight * Self.evidence(z)) < 1e-9 * max(1, abs(loss)))
      for k in z.indices {
        var (a, b) = (z, z)
        a[k] += 1e-5
        b[k] -= 1e-5
        let slope = (objective.value(a, label: y).loss - objective.value(b, label: y).loss) / 2e-5
        #expect(abs(slope - gradient[k]) < 1e-5 * max(1, abs(slope)))
      }
    }
    let nothing = AttackObjective.likely(weight: weight).value([5, .nan, 2], label: 0)
    #expect(nothing.loss == -.infinity && nothing.gradient == [0, 0, 0])
  }

  /// With no weight it is the attack on the margin; the more weight, the likelier the image that it ends
  /// at.
  @Test func weightsMakeImagesLikelier() throws {
    let classifier = LinearClassifier()
    func attacked(_ name: String, _ lambda: Double?) throws -> [Float] {
      var c = try Attacks.usual(name)
      (c.epsilon, c.steps) = (0.05, 30)
      c.parameters = lambda.map { ["lambda": $0] } ?? [:]
      return try Attacks.make(c, classCount: 4, shape: classifier.shape).perturb(
        image, label: classifier.label(of: image), key: LinearClassifier.key, seed: 1,
        defence: LinearClassifier.stream, against: classifier
      ).image
    }
    #expect(try attacked("apgd-lagrange", 0) == attacked("apgd-margin", nil))
    #expect(try attacked("apgd-lagrange", 1) == attacked("apgd-lagrange", nil))
    let likelihoods = try [0, 1, 100].map { lambda in
      Self.evidence(
        classifier.logits(
          of: try attacked("apgd-lagrange", lambda), key: LinearClassifier.key,
          stream: LinearClassifier.stream
        ).logits)
    }
    #expect(likelihoods[0] < likelihoods[2] && likelihoods[1] <= likelihoods[2])
  }

  /// A linear margin rises by ‖w‖₁ a unit along the signs and not at all across; at the middle stands
  /// the image's own.
  @Test(arguments: AttackConfiguration.Norm.balls)
  func landscapesOfPlanesArePlanes(norm: AttackConfiguration.Norm) throws {
    let classifier = LinearClassifier(classCount: 2)
    let grey = [Float](repeating: 0.5, count: 12)
    let label = classifier.label(of: grey)
    var random = NoiseKey(LinearClassifier.stream, .start, LinearClassifier.key).random()
    let landscape = try LossLandscape(
      of: classifier, around: grey, label: label, key: LinearClassifier.key,
      stream: LinearClassifier.stream, norm: norm, epsilon: 0.1, side: 5, random: &random,
      workers: WorkerPool(threads: 2))
    #expect(landscape.offsets == [-0.1, -0.05, 0, 0.05, 0.1])
    let slope = (0..<12).map { classifier.weight(1 - label, $0) - classifier.weight(label, $0) }
    let steepness =
      norm == .l2
      ? slope.reduce(0) { $0 + $1 * $1 }.squareRoot() : slope.reduce(0) { $0 + $1.magnitude }
    let z = classifier.logits(
      of: grey, key: LinearClassifier.key, stream: LinearClassifier.stream
    ).logits
    #expect(abs(landscape.margins[2][2] - (z[1 - label] - z[label])) < 1e-5)
    for row in landscape.margins {
      for (a, b) in zip(row, row.dropFirst()) { #expect(abs(b - a - 0.05 * steepness) < 1e-4) }
    }
    let across = landscape.margins.map { $0[2] }
    if norm == .l2 {
      for value in across { #expect(abs(value - across[2]) < 1e-4) }
    } else {
      // Orthogonal to the signs; of a linear margin what is left is small beside the slope along.
      #expect(abs(across[4] - across[0]) < 0.2 * steepness)
    }
  }

  /// Pixels stay in [0, 1]: far along the gradient stands the corner that it points to.
  @Test func landscapesAreClipped() throws {
    let classifier = LinearClassifier(classCount: 2)
    let white = [Float](repeating: 1, count: 12)
    let label = classifier.label(of: white)
    var random = NoiseKey(LinearClassifier.stream, .start, LinearClassifier.key).random()
    let landscape = try LossLandscape(
      of: classifier, around: white, label: label, key: LinearClassifier.key,
      stream: LinearClassifier.stream, norm: .linf, epsilon: 100, side: 3, random: &random,
      workers: WorkerPool(threads: 1))
    let slope = (0..<12).map { classifier.weight(1 - label, $0) - classifier.weight(label, $0) }
    func margin(_ isLit: (Double) -> Bool) -> Double {
      slope.reduce(0) { $0 + (isLit($1) ? $1 : 0) }
    }
    #expect(abs(landscape.margins[1][2] - margin { $0 >= 0 }) < 1e-5)
    #expect(abs(landscape.margins[1][0] - margin { $0 <= 0 }) < 1e-5)
  }
}
