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
    base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      .initializeMemory(as: Float.self, repeating: 0, count: max(count, 1))
  }

  /// `values`, then zeros up to `paddedCount`.
  public convenience init(_ values: [Float], paddedTo paddedCount: Int? = nil) {
    self.init(count: max(values.count, paddedCount ?? 0))
    values.withUnsafeBufferPointer { source in
      if let first = source.baseAddress { base.update(from: first, count: source.count) }
    }
  }

  deinit { base.deallocate() }
}
