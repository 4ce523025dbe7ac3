import TensorCore

/// A convolution by its definition, over a bordered map without any copy.
///
/// **Shape** of the weights: panels of output channels, each `[side, side, inputStride, width]`;
/// padding channels have zero weights.
struct DirectKernel: Sendable {
  private let shape: KernelShape
  private let buffer: AlignedBuffer

  /// Packs `filters`.
  init(_ filters: FilterBank, inputStride: Int) {
    shape = KernelShape(
      side: filters.side, inputs: filters.inputs, outputs: filters.outputs,
      inputStride: inputStride)
    let (side, outputStride) = (shape.side, shape.outputStride)
    buffer = AlignedBuffer(count: side * side * inputStride * outputStride)
    Contraction.forEachPanel(of: outputStride) { channel, width in
      for y in 0..<side {
        for x in 0..<side {
          for i in 0..<filters.inputs {
            let row =
              buffer.base + offset(channel) + ((y * side + x) * inputStride + i) * width
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
    channel * shape.side * shape.side * shape.inputStride
  }

  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: ChannelValues?, addend: FeatureMap?, scale: Float
  ) {
    let (side, inputStride, outputStride) = (shape.side, shape.inputStride, shape.outputStride)
    let run = side * inputStride
    // Rows of pixels are one long row where no border parts them.
    let isFlat =
      side == 1 && x.border == 0 && y.border == 0 && (addend?.border ?? 0) == 0
      && (start?.step ?? 0) == 0
    let (images, height) = isFlat ? (1, 1) : (y.images, y.height)
    let width = y.images * y.pixels / (images * height)
    Contraction.forEachPanel(of: outputStride) { channel, panel in
      let contraction = Contraction(
        segments: side, run: run, aRow: inputStride, aSegment: x.rowStride, aStep: 1,
        bSegment: run * panel, bStep: panel)
      for image in 0..<images {
        let (x, y, addend) = (x[image], y[image], addend?[image])
        for row in 0..<height {
          contraction(
            rows: width, width: panel,
            a: UnsafePointer(x.row(row - side / 2) - side / 2 * inputStride),
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

/// The gradient of the weights, `[side, side, inputStride, outputStride]`.
extension DirectKernel {
  static func gradientCount(_ shape: KernelShape) -> Int {
    shape.side * shape.side * shape.inputStride * shape.outputStride
  }

  static func accumulate(
    _ gradient: UnsafeMutablePointer<Float>, _ shape: KernelShape, x: FeatureMap, dy: FeatureMap
  ) {
    let (side, inputStride, outputStride) = (shape.side, shape.inputStride, shape.outputStride)
    // The sum over pixels of an image, or of all images where no border parts their rows.
    let isFlat = side == 1 && x.border == 0 && dy.border == 0
    let images = isFlat ? 1 : dy.images
    let contraction = Contraction(
      segments: isFlat ? 1 : dy.height, run: isFlat ? dy.images * dy.pixels : dy.width, aRow: 1,
      aSegment: x.rowStride, aStep: x.stride, bSegment: dy.rowStride, bStep: dy.stride)
    for image in 0..<images {
      let (x, dy) = (x[image], dy[image])
      Contraction.forEachPanel(of: outputStride) { channel, width in
        for y in 0..<side {
          for column in 0..<side {
            let block =
              gradient + (y * side + column) * inputStride * outputStride + channel
            contraction(
              rows: inputStride, width: width,
              a: UnsafePointer(x.row(y - side / 2) + (column - side / 2) * x.stride),
              b: UnsafePointer(dy.row(0) + channel), start: nil,
              into: .init(
                block, cRow: outputStride, addend: UnsafePointer(block), addendRow: outputStride))
          }
        }
      }
    }
  }

  /// Rearranges an accumulated gradient to `[outputs, inputs, side, side]`.
  static func filterGradient(
    _ gradient: UnsafePointer<Float>, _ shape: KernelShape
  ) -> [Float] {
    let (inputs, outputs, taps) = (shape.inputs, shape.outputs, shape.side * shape.side)
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
