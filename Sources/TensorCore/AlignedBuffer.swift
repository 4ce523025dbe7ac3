import Foundation

/// Zeroed floats on a cache-line boundary, freed with the object.
///
/// Owners fill it before they share it; after that it is only read.
public final class AlignedBuffer: @unchecked Sendable {
  /// First element.
  public let base: UnsafeMutablePointer<Float>
  /// Number of elements.
  public let count: Int

  /// `count` zeros.
  public init(count: Int) {
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let isHuge = bytes >= Self.hugePage
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: isHuge ? Self.hugePage : 64)
    #if os(Linux)
      // Tiles are scattered over dozens of pages: with small ones, finding them is half of the work.
      if isHuge { madvise(memory, bytes, MADV_HUGEPAGE) }
    #endif
    base = memory.initializeMemory(as: Float.self, repeating: 0, count: max(count, 1))
  }

  /// Bytes of a huge page.
  private static let hugePage = 2 << 20

  /// `values`, then zeros up to `paddedCount`.
  public convenience init(_ values: [Float], paddedTo paddedCount: Int? = nil) {
    self.init(count: max(values.count, paddedCount ?? 0))
    values.withUnsafeBufferPointer { source in
      if let first = source.baseAddress { base.update(from: first, count: source.count) }
    }
  }

  deinit { base.deallocate() }
}
