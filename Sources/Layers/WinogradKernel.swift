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
  private let buffer: AlignedBuffer

  static var span: Int { Tile.outputs + 2 }
  static var positions: Int { span * span }

  /// Transforms `filters`: G g Gᵀ in Double, eight output channels at once.
  init(_ filters: FilterBank) {
    shape = KernelShape(
      rows: 3, columns: 3, inputs: filters.inputs, outputs: filters.outputs,
      inputStride: aligned(filters.inputs))
    let (inputStride, outputStride) = (shape.inputStride, shape.outputStride)
    let position = inputStride * outputStride
    buffer = AlignedBuffer(count: Self.positions * position)
    let (base, rows) = (buffer.base, Tile.filter)
    let group = 8
    Contraction.forEachPanel(of: outputStride) { channel, width in
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
              SIMD8<Float>(c0 * right[0] + c1 * right[1] + c2 * right[2])
                .store(to: target + (j * Self.span + k) * position)
            }
          }
        }
      }
    }
  }

  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: ChannelValues?, addend: FeatureMap?,
    scale: Float, in arena: Arena
  ) {
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let (inputStride, outputStride) = (shape.inputStride, shape.outputStride)
    let tiling = Tiling(y, floats: inputStride + outputStride)
    let scratch = arena.take(Self.positions * Lanes.scalarCount)
    let inner = arena.mark
    tiling.forEachGroup { tiles in
      arena.release(to: inner)
      let transformed = TileMatrices(tiles.count, stride: inputStride, in: arena)
      let products = TileMatrices(tiles.count, stride: outputStride, in: arena)
      Self.transformInput(x, tiling, tiles, into: transformed, scratch: scratch)
      for position in 0..<Self.positions {
        let (a, c) = (transformed[position], products[position])
        let b = UnsafePointer(buffer.base + position * inputStride * outputStride)
        Contraction.forEachPanel(of: outputStride) { channel, width in
          let product = Contraction(
            segments: 1, run: inputStride, aRow: inputStride, aSegment: 0, aStep: 1, bSegment: 0,
            bStep: width)
          product(
            rows: tiles.count, width: width, a: UnsafePointer(a), b: b + channel * inputStride,
            start: nil, into: .init(c + channel, cRow: outputStride))
        }
      }
      tiling.forEach(in: tiles) { index, image, row, column in
        Self.transformOutput(
          UnsafePointer(products.base + index * outputStride), positionStride: products.step,
          row: row, column: column, into: y[image], start: start?[image], addend: addend?[image],
          scale: scale, scratch: scratch)
      }
    }
  }

  /// Bᵀ d B of a group of tiles.
  static func transformInput(
    _ x: FeatureMap, _ tiling: Tiling, _ tiles: Range<Int>, into transformed: TileMatrices,
    scratch: UnsafeMutablePointer<Float>
  ) {
    tiling.forEach(in: tiles) { index, image, row, column in
      transformInput(
        x[image], row: row, column: column, into: transformed.base + index * x.stride,
        positionStride: transformed.step, scratch: scratch)
    }
  }

  /// Bᵀ d B for every register of channels of one tile.
  @inline(__always)
  private static func transformInput(
    _ x: FeatureMap, row: Place, column: Place, into t: UnsafeMutablePointer<Float>,
    positionStride: Int, scratch: UnsafeMutablePointer<Float>
  ) {
    let (span, lanes) = (span, Lanes.scalarCount)
    let corner = x.row(row.origin - 1) + (column.origin - 1) * x.stride
    for c in stride(from: 0, to: x.stride, by: lanes) {
      for j in 0..<span {
        Tile.transformInput(
          corner + c + j * x.stride, step: x.rowStride, into: scratch + j * lanes,
          step: span * lanes)
      }
      for i in 0..<span {
        Tile.transformInput(
          scratch + i * span * lanes, step: lanes, into: t + c + i * span * positionStride,
          step: positionStride)
      }
    }
  }

  /// (Aᵀ t A + start + addend)·scale for every register of channels of one tile.
  @inline(__always)
  private static func transformOutput(
    _ t: UnsafePointer<Float>, positionStride: Int, row: Place, column: Place,
    into y: FeatureMap, start: UnsafePointer<Float>?, addend: FeatureMap?, scale: Float,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (span, lanes) = (Self.span, Lanes.scalarCount)
    let factor = Lanes(repeating: scale)
    for c in stride(from: 0, to: y.stride, by: lanes) {
      for j in 0..<span {
        Tile.transformOutput(t + c + j * positionStride, step: span * positionStride) { i, value in
          value.store(to: scratch + (i * span + j) * lanes)
        }
      }
      let bias = start.map { Lanes(at: $0 + c) } ?? .zero
      for i in row.skipped..<Tile.outputs {
        let target = y.row(row.origin + i) + column.origin * y.stride + c
        let added = addend.map { $0.row(row.origin + i) + column.origin * $0.stride + c }
        Tile.transformOutput(scratch + i * span * lanes, step: lanes) { j, value in
          if j >= column.skipped {
            var value = value + bias
            if let addend, let added { value += Lanes(at: added + j * addend.stride) }
            (value * factor).store(to: target + j * y.stride)
          }
        }
      }
    }
  }
}
