import TensorCore

/// A convolution by its definition, over a bordered map without any copy.
///
/// **Shape** of the weights: panels of output channels, each `[side, side, inputStride, width]`;
/// padding channels have zero weights.
struct DirectKernel: Sendable {
  /// Filter side, 1 or 3.
  let side: Int
  let inputStride: Int
  let outputStride: Int
  private let buffer: AlignedBuffer

  /// Packs `weight` for `outputs` × `inputs` channels.
  init(side: Int, inputs: Int, inputStride: Int, outputs: Int, weight: FilterValue) {
    self.side = side
    self.inputStride = inputStride
    outputStride = aligned(outputs)
    buffer = AlignedBuffer(count: side * side * inputStride * outputStride)
    Contraction.forEachPanel(of: outputStride) { channel, width in
      for y in 0..<side {
        for x in 0..<side {
          for i in 0..<inputs {
            let row =
              buffer.base + offset(channel) + ((y * side + x) * inputStride + i) * width
            for o in channel..<min(channel + width, outputs) {
              row[o - channel] = weight(o, i, y, x)
            }
          }
        }
      }
    }
  }

  private func offset(_ channel: Int) -> Int { channel * side * side * inputStride }

  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: UnsafePointer<Float>?, addend: FeatureMap?,
    scale: Float
  ) {
    let run = side * inputStride
    Contraction.forEachPanel(of: outputStride) { channel, width in
      let contraction = Contraction(
        segments: side, run: run, aRow: inputStride, aSegment: x.rowStride, aStep: 1,
        bSegment: run * width, bStep: width)
      for row in 0..<y.height {
        contraction(
          rows: y.width, width: width,
          a: UnsafePointer(x.row(row - side / 2) - side / 2 * inputStride),
          b: UnsafePointer(buffer.base + offset(channel)), start: start.map { $0 + channel },
          into: .init(
            y.row(row) + channel, cRow: y.stride,
            addend: addend.map { UnsafePointer($0.row(row) + channel) },
            addendRow: addend?.stride ?? 0, scale: scale))
      }
    }
  }
}
