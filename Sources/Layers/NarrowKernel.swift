import CKernels
import TensorCore

/// A 1×1 convolution in bfloat16: pixels times weights, some lines of pixels at once.
struct NarrowKernel: Sendable {
  private let shape: KernelShape
  private let weights: NarrowWeights

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
    let depth = weights.depth
    let groups = LineGroups(y, gap: 0, bytes: 2 * y.width * depth)
    let rows = NarrowWeights.rows(groups.most * y.width)
    let a = NarrowWeights.Operand(rows: rows, depth: depth, positions: 1, in: arena)
    let products = arena.take(rows * weights.widest)
    groups.forEach { group in
      for line in group {
        guard let (image, row) = groups.place(of: line) else { continue }
        BFloat16.current.kernels.rows(
          x[image].row(row), y.width, shape.inputStride,
          a.base + (line - group.lowerBound) * y.width * depth, depth)
      }
      weights.multiply(a, rows: group.count * y.width, into: products, step: 0) { channel, panel in
        groups.forEachOutput(
          of: group, y, from: channel, start: start, addend: addend, scale: scale
        ) { index, start, output in
          kernels.finish(products + index * y.width * panel, y.width, panel, start, &output)
        }
      }
    }
  }
}
