import Attacks
import Classifiers
import Records
import TensorCore
import Testing

/// Attacks that look for the nearest misclassified image, on a linear classifier whose distance is
/// known exactly, pixels at 0 and 1 included.
@Suite struct NearestTests {
  private let image = (0..<12).map { Float([10, 128, 200, 255, 0, 77][$0 % 6]) / 255 }

  private func result(
    _ name: String, _ norm: AttackConfiguration.Norm, epsilon: Double,
    against classifier: LinearClassifier = LinearClassifier()
  ) throws -> AttackResult {
    var c = try Attacks.usual(name, norm: norm)
    c.epsilon = epsilon
    return try Attacks.make(c, classCount: classifier.classCount, shape: classifier.shape).perturb(
      image, label: classifier.label(of: image), key: LinearClassifier.key, seed: 1,
      defence: LinearClassifier.stream, against: classifier)
  }

  @Test(arguments: [("fab-t", AttackConfiguration.Norm.linf), ("fab-t", .l2), ("cw", .l2)])
  func distancesAreExact(name: String, norm: AttackConfiguration.Norm) throws {
    let classifier = LinearClassifier()
    let y = classifier.label(of: image)
    let exact = classifier.exactDistance(of: image, norm: norm)
    #expect(exact.isFinite && exact > 0.01)
    for (factor, breaks) in [(0.9, false), (0.995, false), (1.02, true), (1.5, true)] {
      let found = try result(name, norm, epsilon: factor * exact)
      #expect((classifier.label(of: found.image) != y) == breaks)
      // What is handed on otherwise is at the ball's surface.
      #expect((norm == .l2 ? found.l2 : found.linf) > 0.85 * exact)
    }
  }

  /// Of a randomized classifier the gradient of the mean counts, not that of the sum.
  @Test func meansOfDrawsKeepTheirScale() throws {
    let classifier = LinearClassifier(jitter: 1e-6)
    let quiet = LinearClassifier()
    let exact = quiet.exactDistance(of: image, norm: .l2)
    var c = try Attacks.usual("fab-t", norm: .l2)
    (c.epsilon, c.eot, c.steps) = (1.05 * exact, 4, 30)
    let found = try Attacks.make(c, classCount: 4, shape: classifier.shape).perturb(
      image, label: quiet.label(of: image), key: LinearClassifier.key, seed: 1,
      defence: LinearClassifier.stream, against: classifier)
    #expect(quiet.label(of: found.image) != quiet.label(of: image))
  }

  /// Without a slope there is no way to go; the image handed on is in the ball.
  @Test func flatClassifiersEndAtOnce() throws {
    let flat = LinearClassifier(scale: 0)
    for name in ["fab-t", "cw"] {
      let found = try result(name, .l2, epsilon: 0.1, against: flat)
      #expect(found.l2 <= 0.1)
    }
  }
}
