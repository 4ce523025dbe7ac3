/// An image that an attack visited, with what the attacker saw there.
public struct AttackPoint: Sendable {
  /// Planar `[C, H, W]`, pixel units.
  public var image: [Float]
  /// Mean over draws of the objective.
  public var loss: Double
  /// Mean over draws of the margin, with the sign of what is answered: positive where misclassified.
  public var margin: Double
  /// Gradient of the objective up to `scale`, `[C, H, W]`; empty where none was asked for.
  public var gradient: [Float] = []
  /// What `gradient` is to be multiplied by to be the mean over draws.
  public var scale = 0.0

  /// The point as given.
  public init(image: [Float], loss: Double, margin: Double) {
    (self.image, self.loss, self.margin) = (image, loss, margin)
  }

  /// Whether this one is the better final image: misclassified, then of higher loss.
  public func beats(_ other: AttackPoint) -> Bool {
    (margin > 0) == (other.margin > 0) ? loss > other.loss : margin > 0
  }
}
