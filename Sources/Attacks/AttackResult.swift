import Classifiers

/// What an attack made of one image.
public struct AttackResult: Sendable {
  /// Final image, planar `[C, H, W]`, pixel units, inside the threat model and [0, 1].
  public var image: [Float]
  /// Compute spent.
  public var cost: Cost
  /// Share of the objective's gradient pixels that were exactly zero, over all looks, 0…1; nil of an
  /// attack that asks for none.
  public var zeroGradientShare: Double?
  /// Objective at the final image, as the attacker saw it; NaN of a shift, which does not look.
  public var loss: Double
  /// ‖x' − x‖∞ of the final image in pixel units, against the clean image's exact grey values.
  public var linf: Double
  /// ‖x' − x‖₂ likewise.
  public var l2: Double
  /// Member of an ensemble that misclassified the image as the attacker saw it; nil where none did,
  /// and of a single attack.
  public var finder: String?
}
