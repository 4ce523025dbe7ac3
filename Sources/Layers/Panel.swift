import CKernels
import TensorCore

/// Panels of output channels, which weights are packed in and sums of products are made for: as wide as
/// two registers, the last as wide as one where that is enough.
enum Panel {
  /// In floats.
  static let widest = 2 * kernels.lanes

  /// Calls `body(channel, width)` for each panel of `stride` channels.
  @inline(__always)
  static func forEach(of stride: Int, _ body: (_ channel: Int, _ width: Int) -> Void) {
    let widest = widest
    var channel = 0
    while channel < stride {
      let width = stride - channel >= widest ? widest : widest / 2
      body(channel, width)
      channel += width
    }
  }
}
