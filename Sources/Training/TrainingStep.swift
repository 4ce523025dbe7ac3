/// What one training step saw.
public struct TrainingStep: Sendable {
  /// The loss before the step.
  package var loss: Double
  /// ‖gradient‖₂ before clipping.
  package var gradientNorm: Double
}
