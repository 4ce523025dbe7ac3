import CKernels
import TensorCore

/// Weights in bfloat16, Winograd's transformed ones or those of 1×1 filters, and the products with them.
///
/// **Shape** `[panel, positions, depth/2, width, 2]`: rows in pairs, and panels, as they are multiplied.
struct NarrowWeights: Sendable {
  /// Rows: the input channels, with zeros up to a multiple of 32.
  let depth: Int
  private let outputs: Int
  private let positions: Int
  private let buffer: AlignedBuffer

  /// Rounds weights of `[panel, positions, inputs, width]`, panels as `Panel` has them.
  init(_ weights: AlignedBuffer, positions: Int, inputs: Int, outputs: Int) {
    (self.positions, self.outputs) = (positions, outputs)
    depth = Self.depth(inputs)
    buffer = AlignedBuffer(count: positions * depth * outputs / 2)
    let target = UnsafeMutableRawPointer(buffer.base).bindMemory(
      to: UInt16.self, capacity: positions * depth * outputs)
    for position in 0..<positions {
      Panel.forEach(of: outputs) { channel, width in
        let panel = channel / BFloat16.panel * BFloat16.panel
        let columns = min(BFloat16.panel, outputs - panel)
        BFloat16.current.kernels.pack(
          weights.base + (channel * positions + position * width) * inputs, inputs, width,
          target + panel * positions * depth + position * depth * columns + 2 * (channel - panel),
          columns)
      }
    }
  }

  /// `inputs`, up to a multiple of what the tiles of AMX take.
  static func depth(_ inputs: Int) -> Int { (inputs + 31) / 32 * 32 }

  /// Rows of two of AMX's tiles, which are multiplied together.
  static let block = 32
  /// `rows`, up to a multiple of those of one.
  static func rows(_ rows: Int) -> Int { (rows + 15) / 16 * 16 }

  /// Matrices `[rows, depth]` in bfloat16, one for each position.
  struct Operand {
    let base: UnsafeMutablePointer<UInt16>
    /// Values from one matrix to the next: an odd number of cache lines.
    let step: Int

    init(rows: Int, depth: Int, positions: Int, in arena: Arena) {
      // Tiles have 16 rows; those past the end are multiplied, and nobody looks.
      step = NarrowWeights.rows(rows) * depth | 32
      let count = positions * step
      base = UnsafeMutableRawPointer(arena.take(count / 2)).bindMemory(
        to: UInt16.self, capacity: count)
    }
  }

  /// Columns of the widest panel.
  var widest: Int { min(BFloat16.panel, outputs) }

  /// C = A B at every position, a panel of outputs after the other, so that their weights are read once
  /// and C stays in the cache; then `body(channel, width)`.
  ///
  /// - Parameter c: receives `[rows, width]`, with room for a multiple of 16 rows.
  @inline(__always)
  func multiply(
    _ a: Operand, rows: Int, into c: UnsafeMutablePointer<Float>, step: Int,
    then body: (_ channel: Int, _ width: Int) -> Void
  ) {
    let base = UnsafeRawPointer(buffer.base).assumingMemoryBound(to: UInt16.self)
    for channel in stride(from: 0, to: outputs, by: BFloat16.panel) {
      let width = min(BFloat16.panel, outputs - channel)
      var products = kernel_products(
        positions: positions, rows: rows, depth: depth, width: width, a: a.base,
        a_position: a.step, b: base + channel * positions * depth, c: c, c_position: step)
      BFloat16.current.kernels.products(&products)
      body(channel, width)
    }
  }
}
