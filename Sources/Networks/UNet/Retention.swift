/// What a forward pass leaves in its arena for a backward pass.
enum Retention: Sendable {
  /// Nothing: none follows.
  case nothing
  /// What the gradient of the input takes: the inputs of what is not linear.
  case forInput
  /// What the gradients of all parameters take: the convolutions' inputs as well.
  case forParameters
}
