import Foundation

/// Zeroed floats on a cache-line boundary, freed with the object.
///
/// Owners fill it before they share it; after that it is only read.
public final class AlignedBuffer: @unchecked Sendable {
  /// First element.
  public let base: UnsafeMutablePointer<Float>
  /// Number of elements.
  public let count: Int
  /// Bytes of the mapping at `base`; 0 where it is the allocator's memory.
  private let mapped: Int

  /// `count` zeros.
  public init(count: Int) {
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    if bytes >= Self.hugePage {
      mapped = (bytes + Self.page - 1) / Self.page * Self.page
      base = Self.map(mapped).bindMemory(to: Float.self, capacity: count)
    } else {
      mapped = 0
      base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        .initializeMemory(as: Float.self, repeating: 0, count: max(count, 1))
    }
  }

  /// `values`, then zeros up to `paddedCount`.
  public convenience init(_ values: [Float], paddedTo paddedCount: Int? = nil) {
    self.init(count: max(values.count, paddedCount ?? 0))
    values.withUnsafeBufferPointer { source in
      if let first = source.baseAddress { base.update(from: first, count: source.count) }
    }
  }

  deinit {
    if mapped > 0 { munmap(base, mapped) } else { base.deallocate() }
  }

  /// Bytes of a huge page, and of any page or a multiple.
  private static let (hugePage, page) = (2 << 20, 1 << 16)

  /// Zeros on a huge page's boundary, whole pages: a mapping of its own, since what the allocator
  /// takes back it may keep.
  private static func map(_ bytes: Int) -> UnsafeMutableRawPointer {
    let span = bytes + hugePage
    guard let start = mmap(nil, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
      start != MAP_FAILED
    else { preconditionFailure("no memory for a buffer of \(bytes) bytes") }
    let before = -Int(bitPattern: start) & (hugePage - 1)
    if before > 0 { munmap(start, before) }
    munmap(start + before + bytes, hugePage - before)
    #if os(Linux)
      // Tiles are scattered over dozens of pages: with small ones, finding them is half of the work.
      madvise(start + before, bytes, MADV_HUGEPAGE)
    #endif
    return start + before
  }
}
