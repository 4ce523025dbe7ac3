import TensorCore

/// Sizes of one direction of a convolution.
struct KernelShape: Sendable {
  /// Filter side, 1 or 3.
  var side: Int
  /// Input channels.
  var inputs: Int
  /// Output channels.
  var outputs: Int
  /// Floats a pixel of the input map.
  var inputStride: Int
  /// Floats a pixel of the output map.
  var outputStride: Int { aligned(outputs) }
  /// Whether Winograd's filtering applies, and has enough channels for its transforms to pay.
  var canTransform: Bool {
    side == 3 && inputs >= channelAlignment && inputStride == aligned(inputs)
  }
}
