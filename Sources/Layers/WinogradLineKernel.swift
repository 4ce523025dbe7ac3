import CKernels
import TensorCore

/// A 3×3 convolution in bfloat16 by Winograd's minimal filtering F(4, 3) along lines.
///
/// For each of the six positions of a transformed tile, the tiles of some lines times the weights of three
/// lines are one product of matrices: the tiles above and below lie a line's tiles before and after, and their
/// products are summed as they are made. Where a line's length is no multiple of 4, the last tile lies further
/// inside and writes only what is new.
struct WinogradLineKernel: Sendable {
  private typealias Tile = WinogradTile4
  private let weights: NarrowWeights

  private static let (positions, lines) = (Tile.outputs + 2, 3)

  /// Transforms `filters` and rounds them.
  init(_ filters: FilterBank) {
    let shape = KernelShape(
      rows: 3, columns: 3, inputs: filters.inputs, outputs: filters.outputs,
      inputStride: aligned(filters.inputs))
    weights = NarrowWeights(
      Self.transform(filters, shape), positions: Self.positions, taps: Self.lines,
      inputs: shape.inputStride, outputs: shape.outputStride)
  }

  /// G g of every line of the filters, in Double.
  private static func transform(_ filters: FilterBank, _ shape: KernelShape) -> AlignedBuffer {
    let (inputStride, taps) = (shape.inputStride, positions * lines)
    let buffer = AlignedBuffer(count: taps * inputStride * shape.outputStride)
    Panel.forEach(of: shape.outputStride) { channel, width in
      var row = buffer.base + channel * taps * inputStride
      for points in Tile.filter {
        for line in 0..<lines {
          for i in 0..<filters.inputs {
            // Narrow panels may lie wholly in the padding.
            for o in channel..<max(channel, min(channel + width, filters.outputs)) {
              let values = SIMD3(
                filters[o, i, line, 0], filters[o, i, line, 1], filters[o, i, line, 2])
              row[i * width + o - channel] = Float((points * SIMD3<Double>(values)).sum())
            }
          }
          row += inputStride * width
        }
      }
    }
    return buffer
  }

  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: ChannelValues?, addend: FeatureMap?,
    scale: Float, in arena: Arena
  ) {
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let tiles = (y.width + Tile.outputs - 1) / Tile.outputs
    let depth = weights.depth
    let groups = LineGroups(y, gap: 1, bytes: 2 * Self.positions * tiles * depth)
    let rows = NarrowWeights.rows(groups.most * tiles)
    let a = NarrowWeights.Operand(
      rows: rows + 2 * groups.gap * tiles, depth: depth, positions: Self.positions, in: arena)
    // An odd number of cache lines, as between the operand's positions.
    let step = rows * weights.widest | 16
    let products = arena.take(Self.positions * step)
    groups.forEach { group in
      for line in group.lowerBound - groups.gap..<group.upperBound + groups.gap {
        let row = (line - group.lowerBound + groups.gap) * tiles
        if let (image, y) = groups.place(of: line) {
          BFloat16.current.kernels.line(
            x[image].row(y) - x.stride, x.width, x.stride, a.base + row * depth, depth, a.step)
        } else {
          a.clear(row..<row + tiles)
        }
      }
      weights.multiply(
        a, rows: group.count * tiles, neighbour: tiles, into: products, step: step
      ) { channel, panel in
        groups.forEachOutput(
          of: group, y, from: channel, start: start, addend: addend, scale: scale
        ) { index, start, output in
          kernels.line_output(
            products + index * tiles * panel, step, panel, y.width, start, &output)
        }
      }
    }
  }
}
