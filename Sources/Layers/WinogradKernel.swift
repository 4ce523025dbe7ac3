import Basics
import CKernels
import TensorCore

/// A 3×3 convolution by Winograd's minimal filtering on square tiles of m × m outputs.
///
/// For each of the (m + 2)² positions of a transformed tile, the tiles of the whole map times that
/// position's weights are one matrix product. Where the map's side is no multiple of m, the last
/// tile lies further inside and writes only what is new.
///
/// **Shape** of the weights: `[(m + 2)², panel, inputStride, width]`.
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
    let position = inputStride * outputStride
    let buffer = AlignedBuffer(count: Self.positions * position)
    let (base, rows) = (buffer.base, Tile.filter)
    let group = 8
    Panel.forEach(of: outputStride) { channel, width in
      for first in stride(from: channel, to: min(channel + width, filters.outputs), by: group) {
        for i in 0..<filters.inputs {
          let target = base + channel * inputStride + i * width + first - channel
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
              UnsafeMutableRawPointer(target + (j * Self.span + k) * position)
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
    let tiling: Tiling
    switch weights {
    case .single: tiling = Tiling(y, floats: shape.inputStride + shape.outputStride)
    case .narrow(let weights): tiling = Tiling(y, floats: weights.depth / 2 + shape.outputStride)
    }
    let inner = arena.mark
    tiling.forEachGroup { tiles in
      arena.release(to: inner)
      let products =
        switch weights {
        case .single(let buffer): multiply(x, tiles, by: buffer, in: arena)
        case .narrow(let weights): multiply(x, tiles, by: weights, in: arena)
        }
      Tile.transforms.output(
        products.base, products.step, y.view, tiles, start?.base, start?.step ?? 0,
        addend?.view ?? .none, scale)
    }
  }

  /// Bᵀ d B of some tiles, times the weights of each position.
  private func multiply(
    _ x: FeatureMap, _ tiles: kernel_tiles, by buffer: AlignedBuffer, in arena: Arena
  ) -> TileMatrices {
    let (inputStride, outputStride) = (shape.inputStride, shape.outputStride)
    let transformed = TileMatrices(tiles.count, stride: inputStride, in: arena)
    let products = TileMatrices(tiles.count, stride: outputStride, in: arena)
    Tile.transforms.input(x.view, tiles, transformed.base, transformed.step)
    var sums = kernel_sums(
      lines: 1, rows: tiles.count, segments: 1, run: inputStride, a_line: 0, a_row: inputStride,
      a_segment: 0, a_step: 1, b_segment: 0, b_step: 0)
    for position in 0..<Self.positions {
      let (a, c) = (transformed[position], products[position])
      let b = UnsafePointer(buffer.base + position * inputStride * outputStride)
      var output = kernel_output(
        c: c, c_line: 0, c_row: outputStride, addend: nil, addend_line: 0, addend_row: 0, scale: 1)
      Panel.forEach(of: outputStride) { channel, width in
        sums.b_step = width
        output.c = c + channel
        kernels.contract(&sums, width, a, b + channel * inputStride, nil, &output)
      }
    }
    return products
  }

  /// The same in bfloat16.
  private func multiply(
    _ x: FeatureMap, _ tiles: kernel_tiles, by weights: NarrowWeights, in arena: Arena
  ) -> TileMatrices {
    let a = NarrowWeights.Operand(
      rows: tiles.count, depth: weights.depth, positions: Self.positions, in: arena)
    let products = TileMatrices((tiles.count + 15) / 16 * 16, stride: shape.outputStride, in: arena)
    Tile.narrowInput(x.view, tiles, a.base, weights.depth, a.step)
    weights.multiply(a, rows: tiles.count, into: products.base, step: products.step)
    return products
  }
}
