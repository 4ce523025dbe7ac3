import CKernels
import TensorCore

/// A convolution by its definition, over a bordered map without any copy.
///
/// **Shape** of the weights: panels of output channels, each `[rows, columns, inputStride, width]`;
/// padding channels have zero weights.
struct DirectKernel: Sendable {
  let shape: KernelShape
  let buffer: AlignedBuffer

  /// Packs `filters`.
  init(_ filters: FilterBank, inputStride: Int) {
    shape = KernelShape(
      rows: filters.rows, columns: filters.columns, inputs: filters.inputs,
      outputs: filters.outputs, inputStride: inputStride)
    let (rows, columns, outputStride) = (shape.rows, shape.columns, shape.outputStride)
    buffer = AlignedBuffer(count: shape.taps * inputStride * outputStride)
    Panel.forEach(of: outputStride) { channel, width in
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
    var sums = kernel_sums(
      lines: height, rows: width, segments: rows, run: run, a_line: x.rowStride,
      a_row: inputStride, a_segment: x.rowStride, a_step: 1, b_segment: 0, b_step: 0)
    Panel.forEach(of: outputStride) { channel, panel in
      (sums.b_segment, sums.b_step) = (run * panel, panel)
      for image in 0..<images {
        let (x, y, addend) = (x[image], y[image], addend?[image])
        var output = kernel_output(
          c: y.row(0) + channel, c_line: y.rowStride, c_row: y.stride,
          addend: addend.map { UnsafePointer($0.row(0) + channel) },
          addend_line: addend?.rowStride ?? 0, addend_row: addend?.stride ?? 0, scale: scale)
        kernels.contract(
          &sums, panel, x.row(-(rows / 2)) - columns / 2 * inputStride,
          buffer.base + offset(channel), start.map { $0[image] + channel }, &output)
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
    var sums = kernel_sums(
      lines: 1, rows: inputStride, segments: isFlat ? 1 : dy.height,
      run: isFlat ? dy.images * dy.pixels : dy.width, a_line: 0, a_row: 1, a_segment: x.rowStride,
      a_step: x.stride, b_segment: dy.rowStride, b_step: dy.stride)
    for image in 0..<images {
      let (x, dy) = (x[image], dy[image])
      Panel.forEach(of: outputStride) { channel, width in
        for y in 0..<rows {
          for column in 0..<columns {
            let block =
              gradient + (y * columns + column) * inputStride * outputStride + channel
            var output = kernel_output(
              c: block, c_line: 0, c_row: outputStride, addend: block, addend_line: 0,
              addend_row: outputStride, scale: 1)
            kernels.contract(
              &sums, width, x.row(y - rows / 2) + (column - columns / 2) * x.stride,
              dy.row(0) + channel, nil, &output)
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
