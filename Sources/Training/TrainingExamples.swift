/// The examples of a training, a pure function of recipe, images and place.
public protocol TrainingExamples: Sendable {
  /// What the network learns from.
  associatedtype Example: Sendable
  /// Images learnt from.
  var count: Int { get }
  /// The batch of a step.
  mutating func batch(at step: Int) -> [Example]
  /// The held-out images, each always with the same randomness.
  var validation: [Example] { get }
}
