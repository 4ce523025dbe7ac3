import TensorCore

/// A convolution by its definition, over a bordered map without any copy.
///
/// **Shape** of the weights: panels of output channels, each `[rows, columns, inputStride, width]`;
/// padding channels have zero weights.
struct DirectKernel: Sendable {
  private let shape: KernelShape
  private let buffer: AlignedBuffer

  /// Packs `filters`.
  init(_ filters: FilterBank, inputStride: Int) {
    shape = KernelShape(
      rows: filters.rows, columns: filters.columns, inputs: filters.inputs,
      outputs: filters.outputs, inputStride: inputStride)
    let (rows, columns, outputStride) = (shape.rows, shape.columns, shape.outputStride)
    buffer = AlignedBuffer(count: shape.taps * inputStride * outputStride)
    Contraction.forEachPanel(of: outputStride) { channel, width in
      for y in 0..<rows {
        for x in 0..<columns {
          for i in 0..<filters.inputs {
            let row =
              buffer.base + offset(channel) + ((y * columns + x) * inputStride + i) * width
            // Narrow panels may lie wholly in the padding.
            for o in channel..<max(channel, min(channel + width, filters.outputs)) {
              row[o - channel] = filters[o, i, y, x]
            }
          }
        }
      }
    }
  }

  private func offset(_ channel: Int) -> Int {
    channel * shape.taps * shape.inputStride
  }

  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: ChannelValues?, addend: FeatureMap?, scale: Float
  ) {
    let (rows, columns) = (shape.rows, shape.columns)
    let (inputStride, outputStride) = (shape.inputStride, shape.outputStride)
    let run = columns * inputStride
    // Rows of pixels are one long row where no border parts them.
    let isFlat =
      shape.taps == 1 && x.border == 0 && y.border == 0 && (addend?.border ?? 0) == 0
      && (start?.step ?? 0) == 0
    let (images, height) = isFlat ? (1, 1) : (y.images, y.height)
    let width = y.images * y.pixels / (images * height)
    Contraction.forEachPanel(of: outputStride) { channel, panel in
      let contraction = Contraction(
        segments: rows, run: run, aRow: inputStride, aSegment: x.rowStride, aStep: 1,
        bSegment: run * panel, bStep: panel)
      for image in 0..<images {
        let (x, y, addend) = (x[image], y[image], addend?[image])
        for row in 0..<height {
          contraction(
            rows: width, width: panel,
            a: UnsafePointer(x.row(row - rows / 2) - columns / 2 * inputStride),
            b: UnsafePointer(buffer.base + offset(channel)),
            start: start.map { $0[image] + channel },
            into: .init(
              y.row(row) + channel, cRow: y.stride,
              addend: addend.map { UnsafePointer($0.row(row) + channel) },
              addendRow: addend?.stride ?? 0, scale: scale))
        }
      }
    }
  }
}

/// The gradient of the weights, `[rows, columns, inputStride, outputStride]`.
extension DirectKernel {
  static func gradientCount(_ shape: KernelShape) -> Int {
    shape.taps * shape.inputStride * shape.outputStride
  }

  static func accumulate(
    _ gradient: UnsafeMutablePointer<Float>, _ shape: KernelShape, x: FeatureMap, dy: FeatureMap
  ) {
    let (rows, columns) = (shape.rows, shape.columns)
    let (inputStride, outputStride) = (shape.inputStride, shape.outputStride)
    // The sum over pixels of an image, or of all images where no border parts their rows.
    let isFlat = shape.taps == 1 && x.border == 0 && dy.border == 0
    let images = isFlat ? 1 : dy.images
    let contraction = Contraction(
      segments: isFlat ? 1 : dy.height, run: isFlat ? dy.images * dy.pixels : dy.width, aRow: 1,
      aSegment: x.rowStride, aStep: x.stride, bSegment: dy.rowStride, bStep: dy.stride)
    for image in 0..<images {
      let (x, dy) = (x[image], dy[image])
      Contraction.forEachPanel(of: outputStride) { channel, width in
        for y in 0..<rows {
          for column in 0..<columns {
            let block =
              gradient + (y * columns + column) * inputStride * outputStride + channel
            contraction(
              rows: inputStride, width: width,
              a: UnsafePointer(x.row(y - rows / 2) + (column - columns / 2) * x.stride),
              b: UnsafePointer(dy.row(0) + channel), start: nil,
              into: .init(
                block, cRow: outputStride, addend: UnsafePointer(block), addendRow: outputStride))
          }
        }
      }
    }
  }

  /// Rearranges an accumulated gradient to `[outputs, inputs, rows, columns]`.
  static func filterGradient(
    _ gradient: UnsafePointer<Float>, _ shape: KernelShape
  ) -> [Float] {
    let (inputs, outputs, taps) = (shape.inputs, shape.outputs, shape.taps)
    var result = [Float](repeating: 0, count: outputs * inputs * taps)
    for o in 0..<outputs {
      for i in 0..<inputs {
        for tap in 0..<taps {
          result[(o * inputs + i) * taps + tap] =
            gradient[(tap * shape.inputStride + i) * shape.outputStride + o]
        }
      }
    }
    return result
  }
}
