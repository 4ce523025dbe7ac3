import CKernels
import TensorCore

/// A 1×1 convolution in bfloat16: pixels times weights, some lines of pixels at once.
struct NarrowKernel: Sendable {
  private let shape: KernelShape
  private let weights: NarrowWeights

  /// Pixels at once: what they are rounded to stays in a core's cache beside a panel of weights.
  private static let pixels = 256

  static func fits(_ shape: KernelShape) -> Bool {
    shape.taps == 1 && shape.inputs >= channelAlignment
      && shape.inputStride.isMultiple(of: channelAlignment)
  }

  /// Rounds `filters`, packed for `shape`.
  init(_ filters: DirectKernel) {
    shape = filters.shape
    weights = NarrowWeights(
      filters.buffer, positions: 1, inputs: shape.inputStride, outputs: shape.outputStride)
  }

  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: ChannelValues?, addend: FeatureMap?,
    scale: Float, in arena: Arena
  ) {
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let (width, lines) = (y.width, y.images * y.height)
    let most = min(lines, max(1, Self.pixels / width))
    let a = NarrowWeights.Operand(
      rows: most * width, depth: weights.depth, positions: 1, in: arena)
    let products = arena.take(NarrowWeights.rows(most * width) * weights.widest)
    for first in stride(from: 0, to: lines, by: most) {
      let group = first..<min(lines, first + most)
      for line in group {
        BFloat16.current.kernels.rows(
          x[line / y.height].row(line % y.height), width, shape.inputStride,
          a.base + (line - first) * width * weights.depth, weights.depth)
      }
      weights.multiply(a, rows: group.count * width, into: products, step: 0) { channel, panel in
        for line in group {
          let (image, row) = (line / y.height, line % y.height)
          var output = kernel_output(
            c: y[image].row(row) + channel, c_line: 0, c_row: y.stride,
            addend: addend.map { UnsafePointer($0[image].row(row) + channel) }, addend_line: 0,
            addend_row: addend?.stride ?? 0, scale: scale)
          kernels.finish(
            products + (line - first) * width * panel, width, panel,
            start.map { $0[image] + channel }, &output)
        }
      }
    }
  }
}
