import Basics
import CKernels
import TensorCore

/// A 3×3 convolution by Winograd's minimal filtering on square tiles of m × m outputs.
///
/// For each of the (m + 2)² positions of a transformed tile, the tiles of a group times a panel of that
/// position's weights are one matrix product. Where the map's side is no multiple of m, the last
/// tile lies further inside and writes only what is new.
///
/// **Shape** of the weights: `[panel, (m + 2)², inputStride, width]`: a panel of outputs is multiplied at
/// all positions and transformed before the next, so that weights are read once for a group of tiles.
struct WinogradKernel<Tile: WinogradTile>: Sendable {
  private let shape: KernelShape
  private let weights: Weights

  private enum Weights: Sendable {
    case single(AlignedBuffer)
    case narrow(NarrowWeights)
  }

  static var span: Int { Tile.outputs + 2 }
  static var positions: Int { span * span }

  /// Transforms `filters`.
  init(_ filters: FilterBank, precision: Precision) {
    shape = KernelShape(
      rows: 3, columns: 3, inputs: filters.inputs, outputs: filters.outputs,
      inputStride: aligned(filters.inputs))
    let transformed = Self.transform(filters, shape)
    weights =
      switch precision {
      case .fp32: .single(transformed)
      case .bf16:
        .narrow(
          NarrowWeights(
            transformed, positions: Self.positions, inputs: shape.inputStride,
            outputs: shape.outputStride))
      }
  }

  /// G g Gᵀ in Double, eight output channels at once.
  private static func transform(_ filters: FilterBank, _ shape: KernelShape) -> AlignedBuffer {
    let (inputStride, outputStride) = (shape.inputStride, shape.outputStride)
    let buffer = AlignedBuffer(count: Self.positions * inputStride * outputStride)
    let (base, rows) = (buffer.base, Tile.filter)
    let group = 8
    Panel.forEach(of: outputStride) { channel, width in
      for first in stride(from: channel, to: min(channel + width, filters.outputs), by: group) {
        for i in 0..<filters.inputs {
          let target =
            base + channel * inputStride * Self.positions + i * width + first - channel
          func values(_ y: Int, _ x: Int) -> SIMD8<Double> {
            var result = SIMD8<Double>.zero
            for lane in 0..<min(group, filters.outputs - first) {
              result[lane] = Double(filters[first + lane, i, y, x])
            }
            return result
          }
          let columns = (
            (values(0, 0), values(1, 0), values(2, 0)), (values(0, 1), values(1, 1), values(2, 1)),
            (values(0, 2), values(1, 2), values(2, 2))
          )
          for (j, left) in rows.enumerated() {
            let c0 = columns.0.0 * left[0] + columns.0.1 * left[1] + columns.0.2 * left[2]
            let c1 = columns.1.0 * left[0] + columns.1.1 * left[1] + columns.1.2 * left[2]
            let c2 = columns.2.0 * left[0] + columns.2.1 * left[1] + columns.2.2 * left[2]
            for (k, right) in rows.enumerated() {
              let values = SIMD8<Float>(c0 * right[0] + c1 * right[1] + c2 * right[2])
              UnsafeMutableRawPointer(target + (j * Self.span + k) * inputStride * width)
                .storeBytes(of: values, as: SIMD8<Float>.self)
            }
          }
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
    let (tiling, widest): (Tiling, Int)
    switch weights {
    case .single:
      widest = min(Panel.widest, shape.outputStride)
      tiling = Tiling(y, floats: shape.inputStride + widest, budget: Tiling.budget, rows: 8)
    case .narrow(let weights):
      widest = weights.widest
      tiling = Tiling(
        y, floats: weights.depth / 2 + widest, budget: Tiling.budget, rows: NarrowWeights.block)
    }
    let inner = arena.mark
    tiling.forEachGroup { tiles in
      arena.release(to: inner)
      let products = TileMatrices(NarrowWeights.rows(tiles.count), stride: widest, in: arena)
      func finish(_ channel: Int, _ width: Int) {
        Tile.transforms.output(
          products.base, products.step, width, y.view(from: channel), tiles,
          start.map { $0.base + channel }, start?.step ?? 0, addend?.view(from: channel) ?? .none,
          scale)
      }
      switch weights {
      case .single(let buffer):
        let a = TileMatrices(tiles.count, stride: shape.inputStride, in: arena)
        Tile.transforms.input(x.view, tiles, a.base, a.step)
        Panel.forEach(of: shape.outputStride) { channel, width in
          multiply(
            a, tiles.count, by: buffer.base + channel * Self.positions * shape.inputStride, width,
            into: products)
          finish(channel, width)
        }
      case .narrow(let weights):
        let a = NarrowWeights.Operand(
          rows: tiles.count, depth: weights.depth, positions: Self.positions, in: arena)
        Tile.narrowInput(x.view, tiles, a.base, weights.depth, a.step)
        weights.multiply(
          a, rows: tiles.count, into: products.base, step: products.step, then: finish)
      }
    }
  }

  /// C = A B at every position, B a panel of weights.
  private func multiply(
    _ a: TileMatrices, _ rows: Int, by b: UnsafePointer<Float>, _ width: Int, into c: TileMatrices
  ) {
    let inputStride = shape.inputStride
    var sums = kernel_sums(
      lines: 1, rows: rows, segments: 1, run: inputStride, a_line: 0, a_row: inputStride,
      a_segment: 0, a_step: 1, b_segment: 0, b_step: width)
    for position in 0..<Self.positions {
      var output = kernel_output(
        c: c[position], c_line: 0, c_row: width, addend: nil, addend_line: 0, addend_row: 0,
        scale: 1)
      kernels.contract(
        &sums, width, a[position], b + position * inputStride * width, nil, &output)
    }
  }
}
