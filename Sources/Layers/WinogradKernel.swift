import TensorCore

/// A 3×3 convolution by Winograd's minimal filtering on square tiles of m × m outputs.
///
/// For each of the (m + 2)² positions of a transformed tile, the tiles of the whole map times that
/// position's weights are one matrix product. Where the map's side is no multiple of m, the last
/// tile lies further inside and writes only what is new.
///
/// **Shape** of the weights: `[(m + 2)², panel, inputStride, width]`.
struct WinogradKernel<Tile: WinogradTile>: Sendable {
  let inputStride: Int
  let outputStride: Int
  private let buffer: AlignedBuffer

  private static var span: Int { Tile.outputs + 2 }
  private static var positions: Int { span * span }

  /// Transforms `weight` for `outputs` × `inputs` channels, G g Gᵀ in Double.
  init(inputs: Int, outputs: Int, weight: FilterValue) {
    inputStride = aligned(inputs)
    outputStride = aligned(outputs)
    buffer = AlignedBuffer(count: Self.positions * inputStride * outputStride)
    let filter = Tile.filter
    let (inputStride, outputStride, base) = (inputStride, outputStride, buffer.base)
    Contraction.forEachPanel(of: outputStride) { channel, width in
      for o in channel..<min(channel + width, outputs) {
        for i in 0..<inputs {
          let target = base + channel * inputStride + i * width + o - channel
          var rows = [SIMD3<Double>](repeating: .zero, count: 3)
          for y in 0..<3 {
            for x in 0..<3 { rows[y][x] = Double(weight(o, i, y, x)) }
          }
          for (j, left) in filter.enumerated() {
            let column = left[0] * rows[0] + left[1] * rows[1] + left[2] * rows[2]
            for (k, right) in filter.enumerated() {
              target[(j * Self.span + k) * inputStride * outputStride] =
                Float((column * right).sum())
            }
          }
        }
      }
    }
  }

  func apply(
    _ x: FeatureMap, into y: FeatureMap, start: UnsafePointer<Float>?, addend: FeatureMap?,
    scale: Float, in arena: Arena
  ) {
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let rows = Self.tiles(y.height)
    let columns = Self.tiles(y.width)
    let count = rows.count * columns.count
    let transformed = arena.take(Self.positions * count * inputStride)
    let products = arena.take(Self.positions * count * outputStride)
    let scratch = arena.take(2 * Self.positions * Lanes.scalarCount)

    for (r, row) in rows.enumerated() {
      for (c, column) in columns.enumerated() {
        let corner = x.row(row.origin - 1) + (column.origin - 1) * inputStride
        transformInput(
          corner, rowStride: x.rowStride,
          into: transformed + (r * columns.count + c) * inputStride,
          positionStride: count * inputStride, scratch: scratch)
      }
    }
    for position in 0..<Self.positions {
      let a = UnsafePointer(transformed + position * count * inputStride)
      let b = UnsafePointer(buffer.base + position * inputStride * outputStride)
      let c = products + position * count * outputStride
      Contraction.forEachPanel(of: outputStride) { channel, width in
        let product = Contraction(
          segments: 1, run: inputStride, aRow: inputStride, aSegment: 0, aStep: 1, bSegment: 0,
          bStep: width)
        product(
          rows: count, width: width, a: a, b: b + channel * inputStride, start: nil,
          into: .init(c + channel, cRow: outputStride))
      }
    }
    for (r, row) in rows.enumerated() {
      for (c, column) in columns.enumerated() {
        transformOutput(
          UnsafePointer(products + (r * columns.count + c) * outputStride),
          positionStride: count * outputStride, row: row, column: column, into: y, start: start,
          addend: addend, scale: scale, scratch: scratch)
      }
    }
  }

  /// Where a tile lies along one side, and how many of its outputs the tile before it wrote.
  private struct Place {
    var origin: Int
    var skipped: Int
  }

  private static func tiles(_ side: Int) -> [Place] {
    stride(from: 0, to: side, by: Tile.outputs).map { start in
      let origin = min(start, side - Tile.outputs)
      return Place(origin: origin, skipped: start - origin)
    }
  }

  /// Bᵀ d B for every register of channels of one tile.
  @inline(__always)
  private func transformInput(
    _ d: UnsafeMutablePointer<Float>, rowStride: Int, into t: UnsafeMutablePointer<Float>,
    positionStride: Int, scratch: UnsafeMutablePointer<Float>
  ) {
    let (span, lanes) = (Self.span, Lanes.scalarCount)
    for c in stride(from: 0, to: inputStride, by: lanes) {
      for column in 0..<span {
        Tile.transformInput(
          d + c + column * inputStride, step: rowStride, into: scratch + column * lanes,
          step: span * lanes)
      }
      for row in 0..<span {
        Tile.transformInput(
          scratch + row * span * lanes, step: lanes, into: t + c + row * span * positionStride,
          step: positionStride)
      }
    }
  }

  /// (Aᵀ t A + start + addend)·scale for every register of channels of one tile.
  @inline(__always)
  private func transformOutput(
    _ t: UnsafePointer<Float>, positionStride: Int, row: Place, column: Place,
    into y: FeatureMap, start: UnsafePointer<Float>?, addend: FeatureMap?, scale: Float,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (span, lanes, outputs) = (Self.span, Lanes.scalarCount, Tile.outputs)
    let second = scratch + Self.positions * lanes
    let factor = Lanes(repeating: scale)
    for c in stride(from: 0, to: outputStride, by: lanes) {
      for j in 0..<span {
        Tile.transformOutput(
          t + c + j * positionStride, step: span * positionStride, into: scratch + j * lanes,
          step: span * lanes)
      }
      let bias = start.map { Lanes(at: $0 + c) } ?? .zero
      for i in row.skipped..<outputs {
        Tile.transformOutput(
          scratch + i * span * lanes, step: lanes, into: second, step: lanes)
        let target = y.row(row.origin + i) + column.origin * y.stride + c
        let added = addend.map { $0.row(row.origin + i) + column.origin * $0.stride + c }
        for j in column.skipped..<outputs {
          var value = Lanes(at: second + j * lanes) + bias
          if let addend, let added { value += Lanes(at: added + j * addend.stride) }
          (value * factor).store(to: target + j * y.stride)
        }
      }
    }
  }
}
