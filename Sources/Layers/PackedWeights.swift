import TensorCore

/// Convolution weights in panels of output channels, as `Contraction` streams them.
///
/// **Shape** per panel `[kernel, kernel, inputStride, panel width]`; panels are two registers wide,
/// the last one register where that is enough. Padding channels have zero weights.
struct PackedWeights: Sendable {
  /// Filter side, 1 or 3.
  let kernel: Int
  /// Floats a pixel of the input map.
  let inputStride: Int
  /// Floats a pixel of the output map.
  let outputStride: Int
  private let buffer: AlignedBuffer

  /// Packs `weight(o, i, y, x)` for `outputs` × `inputs` channels.
  init(
    kernel: Int, inputs: Int, inputStride: Int, outputs: Int,
    weight: (_ o: Int, _ i: Int, _ y: Int, _ x: Int) -> Float
  ) {
    self.kernel = kernel
    self.inputStride = inputStride
    outputStride = aligned(outputs)
    buffer = AlignedBuffer(count: kernel * kernel * inputStride * outputStride)
    for panel in Self.panels(outputStride) {
      for y in 0..<kernel {
        for x in 0..<kernel {
          for i in 0..<inputs {
            let row =
              buffer.base + offset(panel.lowerBound)
              + ((y * kernel + x) * inputStride + i) * panel.count
            for o in panel where o < outputs { row[o - panel.lowerBound] = weight(o, i, y, x) }
          }
        }
      }
    }
  }

  /// First weight of the panel that begins at output channel `channel`.
  func panel(at channel: Int) -> UnsafePointer<Float> {
    UnsafePointer(buffer.base + offset(channel))
  }

  private func offset(_ channel: Int) -> Int { channel * kernel * kernel * inputStride }

  /// Output channels in panels of two registers, the last of one where that is enough.
  static func panels(_ stride: Int) -> [Range<Int>] {
    let lanes = Lanes.scalarCount
    return Swift.stride(from: 0, to: stride, by: 2 * lanes).map { start in
      start..<(start + (stride - start >= 2 * lanes ? 2 * lanes : lanes))
    }
  }
}
