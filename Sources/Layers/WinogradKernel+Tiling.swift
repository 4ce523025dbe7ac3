import CKernels
import TensorCore

extension WinogradKernel {
  /// The tiles of some images' maps of outputs, in groups that are transformed at once.
  struct Tiling {
    private let rows: Int
    private let columns: Int
    private let count: Int
    /// Tiles a group.
    private let most: Int

    /// Of products with weights, each tile's apart from others': most of a core's cache.
    static var budget: Int { Processor.cache / 4 * 3 }

    /// Splits the tiles of a map of outputs.
    ///
    /// - Parameters:
    ///   - floats: of a transformed tile's position in the matrices of a group, which stay in a core's
    ///     cache beside the weights that pass through it.
    ///   - budget: bytes that they may take.
    ///   - block: rows that the matrix product takes at once.
    init(_ map: FeatureMap, floats: Int, budget: Int, rows block: Int) {
      rows = (map.height + Tile.outputs - 1) / Tile.outputs
      columns = (map.width + Tile.outputs - 1) / Tile.outputs
      count = map.images * rows * columns
      let fitting = budget / (positions * floats * MemoryLayout<Float>.stride)
      let groups = (count + max(fitting, 16) - 1) / max(fitting, 16)
      // Whole blocks, or halves where not even one fits; the rows of Float32's are seven or eight.
      let whole =
        block == 8 && count % 7 == 0 && count % 8 != 0 ? 7 : fitting < block ? block / 2 : block
      most = ((count + groups - 1) / groups + whole - 1) / whole * whole
    }

    /// Calls `body` with each group's tiles.
    @inline(__always)
    func forEachGroup(_ body: (_ tiles: kernel_tiles) -> Void) {
      for first in stride(from: 0, to: count, by: most) {
        body(
          kernel_tiles(
            rows: rows, columns: columns, first: first, count: min(most, count - first)))
      }
    }
  }

  /// A matrix `[tiles, stride]` for each position of a transformed tile.
  struct TileMatrices {
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
