import Attacks
import Records

/// Why a robust accuracy may be higher than the truth: what a reviewer would ask about the attacks
/// behind it.
///
/// **Source** Carlini et al. 2019 (arXiv 1902.06705); Croce et al. 2022 (arXiv 2202.13711).
public enum Weakness: String, CaseIterable, Sendable {
  /// Iterations.
  case fewSteps = "no attack had more than 20 iterations"
  /// What was climbed.
  case oneLoss = "only one loss was climbed"
  /// Classes aimed at.
  case noTarget = "no attack was targeted"
  /// Attacks that need no gradient.
  case noQueries = "no attack did without gradients"
  /// What the attacker saw of the classifier's noise.
  case oneDraw = "the classifier draws noise; no look averaged draws (EOT 1), none knew the noise"
  /// How gradients passed likelihood maximization or purification.
  case onlyBPDA = "gradients passed what moves the image as the identity only (BPDA)"
  /// How often the final image was judged.
  case oneShot = "the verdict hangs on one draw of the classifier's noise"
  /// How many images there are.
  case fewImages = "fewer than 100 images"
  /// One step against many.
  case singleStep = "one step (FGSM) breaks within 2 points of as many as the iterative attacks"
  /// What gradients did not find.
  case escapes = "transfer, noise or queries broke images that no gradient did"
  /// What no classifier can keep.
  case beyondReason = "accuracy is left at ℓ∞ 0.5, where every image can be made grey"
  /// Which images were attacked.
  case notEverywhere = "an attack was not tried on all images that stand"

  /// Stands for it in a table.
  public var letter: Character {
    let index = Self.allCases.firstIndex(of: self) ?? 0
    return Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(index)))
  }
}

/// What is known of one attack behind a robust accuracy.
package struct AttackEvidence: Sendable {
  /// As the view `attempts` calls it.
  package var label: String
  /// As in the table of attacks.
  package var name: String
  /// `fresh`, `frozen` or `transfer`.
  package var noise: String
  /// Iterations.
  package var steps: Int
  /// Draws a look.
  package var eot: Int
  /// `bpda`, `exact` or `smoothed`.
  package var gradient: String
  /// Share of images that stood it.
  package var accuracy: Double
  /// Images that it broke and no attack with gradients did.
  package var beyond: Int

  /// The evidence as given.
  package init(
    label: String, name: String, noise: String = "fresh", steps: Int = 100, eot: Int = 1,
    gradient: String = "bpda", accuracy: Double, beyond: Int = 0
  ) {
    (self.label, self.name, self.noise, self.steps) = (label, name, noise, steps)
    (self.eot, self.gradient, self.accuracy, self.beyond) = (eot, gradient, accuracy, beyond)
  }

  /// The attacks that were carried out on the classifier itself.
  fileprivate var entries: [AttackEntry] {
    guard noise != "transfer", let entry = Attacks.entry(name) else { return [] }
    return entry.members.isEmpty ? [entry] : entry.members
  }
}

extension Weakness {
  /// What stands against a cell.
  ///
  /// Of threat models that are no ball in pixel space there is one attack each, and nothing is said
  /// of losses, targets and queries.
  package static func found(
    in cell: Robustness.Cell, of threat: Robustness.ThreatModel,
    movesImages: Bool, attacks: [AttackEvidence]
  ) -> [Weakness] {
    let own = attacks.filter { $0.noise != "transfer" }
    let entries = own.flatMap(\.entries)
    let gradients = entries.filter { $0.kind == .gradient }
    let isBall = threat.norm.isBall
    // Of an ensemble that takes iterations those that were asked for, else its members' own.
    func steps(_ attack: AttackEvidence) -> Int {
      guard let ensemble = Attacks.entry(attack.name), !ensemble.members.isEmpty,
        ensemble.steps == nil
      else { return attack.steps }
      return attack.entries.filter { $0.kind == .gradient }.map { $0.steps ?? 1 }.max() ?? 1
    }
    let iterative = own.filter { !Attacks.isSingleStep($0.name) }
    func isTrue(_ weakness: Weakness) -> Bool {
      switch weakness {
      case .fewSteps:
        let most = own.filter { a in a.entries.contains { $0.kind == .gradient } }
          .map(steps).max()
        return isBall && (most ?? 0) <= 20
      case .oneLoss: return isBall && Set(gradients.map(\.name)).count <= 1
      case .noTarget: return isBall && !entries.contains(where: \.isTargeted)
      case .noQueries:
        return isBall && !entries.contains { $0.kind == .query && $0.name == "square" }
      case .oneDraw:
        return cell.isRandomized && threat.norm != .corruption
          && !own.contains { $0.noise == "frozen" || $0.eot > 1 }
      case .onlyBPDA:
        return movesImages && !gradients.isEmpty && own.allSatisfy { $0.gradient == "bpda" }
      case .oneShot: return cell.verdict == .oneShot
      case .fewImages: return cell.n < 100
      case .singleStep:
        guard isBall, let best = iterative.map(\.accuracy).min(),
          let one = own.filter({ $0.name == "fgsm" }).map(\.accuracy).min()
        else { return false }
        return one <= best + 0.02 && best > 0
      case .escapes: return attacks.contains { $0.beyond > 0 }
      case .beyondReason: return threat.norm == .linf && threat.epsilon >= 0.5 && cell.accuracy > 0
      case .notEverywhere: return cell.partial > 0
      }
    }
    return allCases.filter(isTrue)
  }
}
