import Attacks
import Classifiers
import Records

/// What one image of a run takes, counted from its plan without a network.
package struct ExpectedCost: Sendable {
  /// To classify it.
  package let own: Cost
  /// To attack it where it is right when clean; nil in clean runs.
  package let attack: Cost?
  /// Draws on which the attacked image is classified again.
  package let redraws: Int
  /// Whether an image may take less, because the strategy stops where a class leads.
  package let isBound: Bool

  /// A backward pass in forward passes, as `elbow bench` finds it on the shipped model.
  private static let backward = 1.5

  /// Time of so much compute in that of one evaluation.
  package static func units(evaluations: Double, gradients: Double) -> Double {
    evaluations + backward * gradients
  }

  /// Time of one image in that of one evaluation. An attacked image is classified before and after,
  /// and on every redraw.
  package var units: Double {
    Double(classifications) * Self.units(own) + (attack.map(Self.units) ?? 0)
  }

  /// Time of so much compute in that of one evaluation.
  package static func units(_ cost: Cost) -> Double {
    units(evaluations: Double(cost.evaluations), gradients: Double(cost.gradients))
  }

  /// How often an image is classified.
  package var classifications: Int { attack == nil ? 1 : 2 + redraws }
}

extension RunPlan {
  /// What one image takes: the strategy and the attack are run on a stand-in for the classifier.
  ///
  /// - Throws: what the strategy throws.
  package func expectedCost() throws -> ExpectedCost {
    let counted = try CountedClassifier(
      weighing, classCount: dataset.classNames.count, shape: dataset.shape,
      isMultiHead: model.isMultiHead, purification: purification, passage: passage,
      isRandomized: classifier.isRandomized, smoothing: configuration.smoothing)
    let attacked = try attack?.perturb(
      Array(repeating: 0.5, count: dataset.shape.count), label: 0,
      key: ImageKey(dataset: dataset.name, split: "", index: 0), seed: 0,
      defence: NoiseStream(seed: 0, owner: .defence), against: counted)
    return ExpectedCost(
      own: counted.cost, attack: attacked?.cost, redraws: redraws, isBound: counted.isBound)
  }
}
