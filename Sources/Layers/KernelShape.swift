import TensorCore

/// Sizes of one direction of a convolution.
struct KernelShape: Sendable {
  /// Filter rows, 1 or 3.
  var rows: Int
  /// Filter columns, 1 or 3.
  var columns: Int
  /// Input channels.
  var inputs: Int
  /// Output channels.
  var outputs: Int
  /// Floats a pixel of the input map.
  var inputStride: Int
  /// Floats a pixel of the output map.
  var outputStride: Int { aligned(outputs) }
  /// Weights of one input channel in one output channel.
  var taps: Int { rows * columns }
  /// Whether Winograd's filtering applies, and has enough channels for its transforms to pay.
  var canTransform: Bool {
    rows == 3 && columns == 3 && inputs >= channelAlignment && inputStride == aligned(inputs)
  }
}
