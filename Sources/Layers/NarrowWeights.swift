import CKernels
import TensorCore

/// Winograd's transformed weights in bfloat16, and the products with them.
///
/// **Shape** `[(m + 2)², panel, depth/2, width, 2]`: rows in pairs, as they are multiplied.
struct NarrowWeights: Sendable {
  /// Rows: the input channels, with zeros up to a multiple of 32.
  let depth: Int
  private let outputs: Int
  private let positions: Int
  private let buffer: AlignedBuffer

  /// Rounds weights of `[positions, panel, inputs, width]`, panels as `Panel` has them.
  init(_ weights: AlignedBuffer, positions: Int, inputs: Int, outputs: Int) {
    (self.positions, self.outputs) = (positions, outputs)
    depth = Self.depth(inputs)
    buffer = AlignedBuffer(count: positions * depth * outputs / 2)
    let target = UnsafeMutableRawPointer(buffer.base).bindMemory(
      to: UInt16.self, capacity: positions * depth * outputs)
    for position in 0..<positions {
      let source = weights.base + position * inputs * outputs
      Panel.forEach(of: outputs) { channel, width in
        let panel = channel / BFloat16.panel * BFloat16.panel
        BFloat16.current.kernels.pack(
          source + channel * inputs, inputs, width,
          target + position * depth * outputs + panel * depth + 2 * (channel - panel),
          min(BFloat16.panel, outputs - panel))
      }
    }
  }

  /// `inputs`, up to a multiple of what the tiles of AMX take.
  static func depth(_ inputs: Int) -> Int { (inputs + 31) / 32 * 32 }

  /// Matrices `[rows, depth]` in bfloat16, one for each position.
  struct Operand {
    let base: UnsafeMutablePointer<UInt16>
    /// Values from one matrix to the next: an odd number of cache lines.
    let step: Int

    init(rows: Int, depth: Int, positions: Int, in arena: Arena) {
      // Tiles have 16 rows; those past the end are multiplied, and nobody looks.
      step = (rows + 15) / 16 * 16 * depth | 32
      let count = positions * step
      base = UnsafeMutableRawPointer(arena.take(count / 2)).bindMemory(
        to: UInt16.self, capacity: count)
    }
  }

  /// C = A B at every position, C `[rows, outputs]` with room for a multiple of 16 rows.
  func multiply(_ a: Operand, rows: Int, into c: UnsafeMutablePointer<Float>, step: Int) {
    let base = UnsafeRawPointer(buffer.base).assumingMemoryBound(to: UInt16.self)
    var products = kernel_products(
      positions: positions, rows: rows, depth: depth, outputs: outputs, a: a.base,
      a_position: a.step, b: base, c: c, c_position: step)
    BFloat16.current.kernels.products(&products)
  }
}
