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

  fileprivate static var span: Int { Tile.outputs + 2 }
  fileprivate static var positions: Int { span * span }

  /// Transforms `filters`: G g Gᵀ in Double, eight output channels at once.
  init(_ filters: FilterBank) {
    shape = KernelShape(
      side: 3, inputs: filters.inputs, outputs: filters.outputs,
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

  /// Where a tile lies along one side, and how many of its outputs the tile before it has.
  fileprivate struct Place {
    var origin: Int
    var skipped: Int

    init(_ index: Int, side: Int) {
      let start = index * Tile.outputs
      origin = min(start, side - Tile.outputs)
      skipped = start - origin
    }
  }

  /// The tiles of some images' maps of outputs, in groups that are transformed at once.
  fileprivate struct Tiling {
    private let height: Int
    private let width: Int
    private let rows: Int
    private let columns: Int
    private let count: Int
    /// Tiles a group.
    private let most: Int

    /// Bytes of a group's transformed tiles that stay in a core's cache beside the weights.
    private static var budget: Int { 512 << 10 }

    /// Splits the tiles of a map of outputs.
    ///
    /// - Parameter floats: of a transformed tile's position in all matrices of a group.
    init(_ map: FeatureMap, floats: Int) {
      (height, width) = (map.height, map.width)
      rows = (height + Tile.outputs - 1) / Tile.outputs
      columns = (width + Tile.outputs - 1) / Tile.outputs
      count = map.images * rows * columns
      let fitting = Self.budget / (positions * floats * MemoryLayout<Float>.stride)
      let groups = (count + max(fitting, 16) - 1) / max(fitting, 16)
      // Whole blocks of rows for the matrix product.
      let block = count % 7 == 0 && count % 8 != 0 ? 7 : 8
      most = ((count + groups - 1) / groups + block - 1) / block * block
    }

    /// Calls `body` with each group's tiles.
    @inline(__always)
    func forEachGroup(_ body: (_ tiles: Range<Int>) -> Void) {
      for first in stride(from: 0, to: count, by: most) {
        body(first..<min(first + most, count))
      }
    }

    /// Calls `body` with the place of each tile of a group, and its number in it.
    @inline(__always)
    func forEach(
      in tiles: Range<Int>,
      _ body: (_ index: Int, _ image: Int, _ row: Place, _ column: Place) -> Void
    ) {
      let (firstImage, rest) = tiles.lowerBound.quotientAndRemainder(dividingBy: rows * columns)
      var (image, r, c) = (firstImage, rest / columns, rest % columns)
      for index in 0..<tiles.count {
        body(index, image, Place(r, side: height), Place(c, side: width))
        c += 1
        if c == columns { (r, c) = (r + 1, 0) }
        if r == rows { (image, r) = (image + 1, 0) }
      }
    }
  }

  /// Bᵀ d B of a group of tiles.
  fileprivate static func transformInput(
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

extension WinogradKernel {
  /// A matrix `[tiles, stride]` for each position of a transformed tile.
  fileprivate struct TileMatrices {
    let base: UnsafeMutablePointer<Float>
    /// Floats from one matrix to the next: an odd number of cache lines, so that the values of one
    /// tile, which are written together, do not fall into the same few places of the cache.
    let step: Int

    init(_ tiles: Int, stride: Int, in arena: Arena) {
      step = tiles * stride | 16
      base = arena.take(positions * step)
    }

    subscript(position: Int) -> UnsafeMutablePointer<Float> { base + position * step }
  }
}

/// The gradient of the transformed weights, `[(m + 2)², inputStride, outputStride]`.
extension WinogradKernel {
  static func gradientCount(_ shape: KernelShape) -> Int {
    positions * shape.inputStride * shape.outputStride
  }

  static func accumulate(
    _ gradient: UnsafeMutablePointer<Float>, _ shape: KernelShape, x: FeatureMap, dy: FeatureMap,
    in arena: Arena
  ) {
    let (inputStride, outputStride) = (shape.inputStride, shape.outputStride)
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let tiling = Tiling(dy, floats: inputStride + outputStride)
    let scratch = arena.take(2 * positions * Lanes.scalarCount)
    let inner = arena.mark
    tiling.forEachGroup { tiles in
      arena.release(to: inner)
      let transformed = TileMatrices(tiles.count, stride: inputStride, in: arena)
      let cotangents = TileMatrices(tiles.count, stride: outputStride, in: arena)
      transformInput(x, tiling, tiles, into: transformed, scratch: scratch)
      tiling.forEach(in: tiles) { index, image, row, column in
        transformCotangent(
          dy[image], row: row, column: column, into: cotangents.base + index * outputStride,
          positionStride: cotangents.step, scratch: scratch)
      }
      let product = Contraction(
        segments: 1, run: tiles.count, aRow: 1, aSegment: 0, aStep: inputStride, bSegment: 0,
        bStep: outputStride)
      for position in 0..<positions {
        let c = gradient + position * inputStride * outputStride
        Contraction.forEachPanel(of: outputStride) { channel, width in
          product(
            rows: inputStride, width: width, a: UnsafePointer(transformed[position]),
            b: UnsafePointer(cotangents[position] + channel), start: nil,
            into: .init(
              c + channel, cRow: outputStride, addend: UnsafePointer(c + channel),
              addendRow: outputStride))
        }
      }
    }
  }

  /// Gᵀ dU G, `[outputs, inputs, 3, 3]`, in Double, eight output channels at once.
  static func filterGradient(
    _ gradient: UnsafePointer<Float>, _ shape: KernelShape
  ) -> [Float] {
    let (inputs, outputs, outputStride) = (shape.inputs, shape.outputs, shape.outputStride)
    let (position, rows, group) = (shape.inputStride * outputStride, Tile.filter, 8)
    return [Float](unsafeUninitializedCapacity: outputs * inputs * 9) { result, count in
      count = outputs * inputs * 9
      for first in stride(from: 0, to: outputs, by: group) {
        for i in 0..<inputs {
          let source = gradient + i * outputStride + first
          for y in 0..<3 {
            var sums = (SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero)
            for (k, right) in rows.enumerated() {
              var column = SIMD8<Double>.zero
              for (j, left) in rows.enumerated() {
                column +=
                  left[y]
                  * SIMD8<Double>(SIMD8<Float>(at: source + (j * span + k) * position))
              }
              sums.0 += right[0] * column
              sums.1 += right[1] * column
              sums.2 += right[2] * column
            }
            for lane in 0..<min(group, outputs - first) {
              let target = ((first + lane) * inputs + i) * 9 + 3 * y
              result[target] = Float(sums.0[lane])
              result[target + 1] = Float(sums.1[lane])
              result[target + 2] = Float(sums.2[lane])
            }
          }
        }
      }
    }
  }

  /// A dy Aᵀ for every register of channels of one tile.
  @inline(__always)
  private static func transformCotangent(
    _ dy: FeatureMap, row: Place, column: Place, into t: UnsafeMutablePointer<Float>,
    positionStride: Int, scratch: UnsafeMutablePointer<Float>
  ) {
    let (span, lanes, outputs) = (Self.span, Lanes.scalarCount, Tile.outputs)
    let second = scratch + Self.positions * lanes
    for c in stride(from: 0, to: dy.stride, by: lanes) {
      for i in 0..<outputs {
        let source = dy.row(row.origin + i) + column.origin * dy.stride + c
        for j in 0..<outputs {
          let isOwn = i >= row.skipped && j >= column.skipped
          (isOwn ? Lanes(at: source + j * dy.stride) : .zero)
            .store(to: scratch + (i * outputs + j) * lanes)
        }
      }
      for j in 0..<outputs {
        Tile.transformCotangent(
          scratch + j * lanes, step: outputs * lanes, into: second + j * lanes,
          step: outputs * lanes)
      }
      for i in 0..<span {
        Tile.transformCotangent(
          second + i * outputs * lanes, step: lanes, into: t + c + i * span * positionStride,
          step: positionStride)
      }
    }
  }
}
