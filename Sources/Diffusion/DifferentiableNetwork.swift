/// A network whose parameters' gradients can be summed.
public protocol DifferentiableNetwork: AnyObject, Sendable {
  /// Zeroed gradients of all parameters, for every network of this architecture.
  func makeGradients() -> ParameterGradients
  /// `gradients` under the checkpoint's parameter names, in the checkpoint's memory order; those
  /// that no output depends on are left out.
  func export(_ gradients: ParameterGradients) -> [String: [Float]]
}
