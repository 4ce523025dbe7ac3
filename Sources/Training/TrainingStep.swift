/// What one training step saw.
public struct TrainingStep: Sendable {
  /// The loss before the step.
  public var loss: Double
  /// ‖gradient‖₂ before clipping.
  public var gradientNorm: Double
}
