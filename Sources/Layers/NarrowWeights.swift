import CKernels
import TensorCore

/// Weights in bfloat16, Winograd's transformed ones or those of 1×1 filters, and the products with them.
///
/// **Shape** `[panel, positions, taps, depth/2, width, 2]`: rows in pairs, and panels, as they are multiplied.
struct NarrowWeights: Sendable {
  /// Rows: the input channels, with zeros up to a multiple of 32.
  let depth: Int
  private let outputs: Int
  private let positions: Int
  private let taps: Int
  private let buffer: AlignedBuffer

  /// Rounds weights of `[panel, positions, taps, inputs, width]`, panels as `Panel` has them.
  ///
  /// - Parameter taps: lines of a filter, whose products a position sums.
  init(_ weights: AlignedBuffer, positions: Int, taps: Int = 1, inputs: Int, outputs: Int) {
    (self.positions, self.taps, self.outputs) = (positions, taps, outputs)
    depth = Self.depth(inputs)
    let blocks = positions * taps
    buffer = AlignedBuffer(count: blocks * depth * outputs / 2)
    let target = UnsafeMutableRawPointer(buffer.base).bindMemory(
      to: UInt16.self, capacity: blocks * depth * outputs)
    for block in 0..<blocks {
      Panel.forEach(of: outputs) { channel, width in
        let panel = channel / BFloat16.panel * BFloat16.panel
        let columns = min(BFloat16.panel, outputs - panel)
        BFloat16.current.kernels.pack(
          weights.base + (channel * blocks + block * width) * inputs, inputs, width,
          target + panel * blocks * depth + block * depth * columns + 2 * (channel - panel),
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
    private let depth, positions: Int

    init(rows: Int, depth: Int, positions: Int, in arena: Arena) {
      (self.depth, self.positions) = (depth, positions)
      // Tiles have 16 rows; those past the end are multiplied, and nobody looks.
      step = NarrowWeights.rows(rows) * depth | 32
      let count = positions * step
      base = UnsafeMutableRawPointer(arena.take(count / 2)).bindMemory(
        to: UInt16.self, capacity: count)
    }

    /// Zeros in these rows of every matrix.
    func clear(_ rows: Range<Int>) {
      for position in 0..<positions {
        (base + position * step + rows.lowerBound * depth)
          .update(repeating: 0, count: rows.count * depth)
      }
    }
  }

  /// Columns of the widest panel.
  var widest: Int { min(BFloat16.panel, outputs) }

  /// C = A B at every position, a panel of outputs after the other, so that their weights are read once
  /// and C stays in the cache; then `body(channel, width)`.
  ///
  /// - Parameters:
  ///   - rows: of C.
  ///   - neighbour: rows of A from what the weights of one tap meet to what those of the next meet.
  ///   - c: receives `[rows, width]`, with room for a multiple of 16 rows.
  ///   - step: floats from one position's C to the next's.
  @inline(__always)
  func multiply(
    _ a: Operand, rows: Int, neighbour: Int = 0, into c: UnsafeMutablePointer<Float>, step: Int,
    then body: (_ channel: Int, _ width: Int) -> Void
  ) {
    let base = UnsafeRawPointer(buffer.base).assumingMemoryBound(to: UInt16.self)
    let column = positions * taps * depth
    for channel in stride(from: 0, to: outputs, by: BFloat16.panel) {
      let width = min(BFloat16.panel, outputs - channel)
      var products = kernel_products(
        positions: positions, rows: rows, terms: taps, depth: depth, width: width, a: a.base,
        a_position: a.step, a_term: neighbour * depth, b: base + channel * column,
        b_end: base + outputs * column, c: c, c_position: step)
      BFloat16.current.kernels.products(&products)
      body(channel, width)
    }
  }
}
