import CKernels
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
    // Sums over a group: the same on every machine.
    let tiling = Tiling(dy, floats: inputStride + outputStride, budget: 512 << 10, rows: 8)
    let inner = arena.mark
    tiling.forEachGroup { tiles in
      arena.release(to: inner)
      let transformed = TileMatrices(tiles.count, stride: inputStride, in: arena)
      let cotangents = TileMatrices(tiles.count, stride: outputStride, in: arena)
      Tile.transforms.input(x.view, tiles, transformed.base, transformed.step)
      Tile.transforms.cotangent(dy.view, tiles, cotangents.base, cotangents.step)
      var sums = kernel_sums(
        lines: 1, rows: inputStride, segments: 1, run: tiles.count, a_line: 0, a_row: 1,
        a_segment: 0, a_step: inputStride, b_segment: 0, b_step: outputStride)
      for position in 0..<positions {
        Panel.forEach(of: outputStride) { channel, width in
          let c = gradient + position * inputStride * outputStride + channel
          var output = kernel_output(
            c: c, c_line: 0, c_row: outputStride, addend: c, addend_line: 0,
            addend_row: outputStride, scale: 1)
          kernels.contract(
            &sums, width, transformed[position], cotangents[position] + channel, nil, &output)
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
                let values = UnsafeRawPointer(source + (j * span + k) * position)
                  .loadUnaligned(as: SIMD8<Float>.self)
                column += left[y] * SIMD8<Double>(values)
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
}
