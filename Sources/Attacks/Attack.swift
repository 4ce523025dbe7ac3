import Basics
import Classifiers
import Records

/// What an attack made of one image.
public struct AttackResult: Sendable {
  /// Final image, planar `[C, H, W]`, pixel units, inside the ball and [0, 1].
  public var image: [Float]
  /// Compute spent.
  public var cost: Cost
  /// Share of the loss gradient's pixels that were exactly zero, over all steps, 0…1.
  public var zeroGradientShare: Double
  /// Attack loss at the final image, as the attacker saw it.
  public var loss: Double

  /// The result as given.
  public init(image: [Float], cost: Cost, zeroGradientShare: Double, loss: Double) {
    self.image = image
    self.cost = cost
    self.zeroGradientShare = zeroGradientShare
    self.loss = loss
  }
}

/// Looks for an image inside a threat model's ball that a classifier gets wrong.
public protocol Attack: Sendable {
  /// Attacks one image.
  ///
  /// - Parameters:
  ///   - image: planar `[C, H, W]`, pixel units [0, 1].
  ///   - label: true class.
  ///   - key: names the image for the noise.
  ///   - seed: seed of the attacker's stream.
  /// - Throws: what the classifier throws.
  func perturb(
    _ image: [Float], label: Int, key: ImageKey, seed: UInt64,
    against classifier: any DifferentiableClassifier
  ) throws -> AttackResult
}

/// The attacks by name.
public enum Attacks {
  private struct Entry: Sendable {
    var name: String
    var loss: AttackLoss
    /// Whether it is one step from the clean image, so that steps and restarts are 1.
    var isSingleStep = false
    var make: @Sendable (AttackConfiguration, AttackLoss) -> any Attack
  }

  private static let entries =
    AttackLoss.allCases.map { loss in
      Entry(name: "apgd-\(loss.rawValue)", loss: loss) { c, loss in
        APGD(
          loss: loss, norm: c.norm, epsilon: c.epsilon, steps: c.steps, restarts: c.restarts,
          eot: c.eot)
      }
    }
    + AttackLoss.allCases.map { loss in
      Entry(name: "pgd-\(loss.rawValue)", loss: loss) { c, loss in
        PGD(
          loss: loss, norm: c.norm, epsilon: c.epsilon, steps: c.steps, restarts: c.restarts,
          eot: c.eot)
      }
    } + [
      Entry(name: "fgsm", loss: .ce, isSingleStep: true) { c, _ in
        PGD.singleStep(norm: c.norm, epsilon: c.epsilon, eot: c.eot)
      }
    ]

  /// Registered names.
  public static var names: [String] { entries.map(\.name) }

  /// Whether an attack is one step from the clean image; false for unknown names.
  public static func isSingleStep(_ name: String) -> Bool {
    entries.first { $0.name == name }?.isSingleStep ?? false
  }

  /// Builds the attack that `configuration` describes.
  ///
  /// - Throws: `ElbowError` for unknown names and impossible parameters.
  public static func make(
    _ configuration: AttackConfiguration, classCount: Int
  ) throws -> any Attack {
    let c = configuration
    guard let entry = entries.first(where: { $0.name == c.name }) else {
      throw ElbowError(
        .unknownName,
        "no attack '\(c.name)'; there are \(names.joined(separator: ", "))"
          + didYouMean(c.name, among: names))
    }
    guard c.epsilon.isFinite, c.epsilon > 0 else {
      throw ElbowError(.malformed, "`epsilon` must be positive, got \(c.epsilon)")
    }
    for (flag, value) in [
      ("`attack-steps`", c.steps), ("`restarts`", c.restarts), ("`eot`", c.eot),
    ] where !(1...1_000_000).contains(value) {
      throw ElbowError(.malformed, "\(flag) must be 1 to 1000000, got \(value)")
    }
    if entry.isSingleStep, c.steps != 1 || c.restarts != 1 {
      throw ElbowError(
        .malformed,
        "\(c.name) takes one step from the clean image; leave `attack-steps` and `restarts` out")
    }
    if entry.loss == .dlr, classCount < 3 {
      throw ElbowError(.malformed, "the DLR loss needs 3 classes, the model has \(classCount)")
    }
    return entry.make(c, entry.loss)
  }
}
