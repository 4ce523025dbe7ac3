import TensorCore

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
