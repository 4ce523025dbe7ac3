import Attacks
import Classifiers
import Records
import TensorCore
import Testing

@Suite struct TargetedTests {
  private let image = (0..<12).map { Float([10, 128, 200, 255, 0, 77][$0 % 6]) / 255 }

  @Test(arguments: [[3.0, 1, 2, -1, 0.5], [0.5, 0.6, 0.1, 0.2, 0.15], [-4, 9, 2, 8, 3]])
  func gradientsMatchFiniteDifferences(z: [Double]) {
    for y in z.indices {
      for t in z.indices where t != y {
        for objective in [AttackObjective.ratio(toward: t), .margin(toward: t)] {
          let (_, gradient) = objective.value(z, label: y)
          for k in z.indices {
            var (a, b) = (z, z)
            a[k] += 1e-6
            b[k] -= 1e-6
            let slope =
              (objective.value(a, label: y).loss - objective.value(b, label: y).loss) / 2e-6
            #expect(abs(slope - gradient[k]) < 1e-5 * max(1, abs(slope)))
          }
        }
      }
    }
  }

  /// −(z_y − z_t)/(z_π1 − ½(z_π3 + z_π4)).
  @Test func valuesByHand() {
    let value = AttackObjective.ratio(toward: 2).value([5, 4, 2, 1], label: 0).loss
    #expect(abs(value + 3 / 3.5) < 1e-9)
    #expect(AttackObjective.margin(toward: 2).value([5, 4, 2, 1], label: 0).loss == -3)
    let nothing = AttackObjective.ratio(toward: 2).value([5, .nan, 2, 1], label: 0)
    #expect(nothing.loss == -.infinity && nothing.gradient == [0, 0, 0, 0])
  }

  /// An image is broken exactly where the ball reaches the nearest boundary of all rivals.
  @Test(arguments: ["apgd-t", "apgd-margin-t"], AttackConfiguration.Norm.balls)
  func breaksWhatTheBallReaches(name: String, norm: AttackConfiguration.Norm) throws {
    for classes in [3, 4] {
      let classifier = LinearClassifier(classCount: classes)
      let exact = classifier.exactDistance(of: image, norm: norm)
      for (factor, breaks) in [(0.97, false), (1.03, true)] {
        var c = try Attacks.usual(name, norm: norm)
        c.epsilon = factor * exact
        let result = try Attacks.make(c, classCount: classes, shape: classifier.shape).perturb(
          image, label: classifier.label(of: image), key: LinearClassifier.key, seed: 1,
          defence: LinearClassifier.stream, against: classifier)
        #expect((classifier.label(of: result.image) != classifier.label(of: image)) == breaks)
        // Each target an ascent of its own, after one look at the clean image; none after the break.
        let full = (classes - 1) * 101
        #expect(breaks ? result.cost.gradients <= full : result.cost.gradients == full)
      }
    }
  }

  /// Fewer targets, fewer ascents: the parameter is one of the configuration's.
  @Test func targetsAreAParameter() throws {
    var c = try Attacks.usual("apgd-t")
    (c.epsilon, c.steps, c.parameters) = (1e-4, 10, ["targets": 2])
    let classifier = LinearClassifier()
    let result = try Attacks.make(c, classCount: 4, shape: classifier.shape).perturb(
      image, label: classifier.label(of: image), key: LinearClassifier.key, seed: 1,
      defence: LinearClassifier.stream, against: classifier)
    #expect(result.cost == Cost(evaluations: 1 + 2 * 2 * 11, gradients: 2 * 11))
  }
}
