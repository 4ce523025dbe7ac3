/// Scratch memory of one thread, handed out in stack order.
///
/// After a first pass through the same code no more memory is taken from the system.
public final class Arena {
  /// A position to `release` back to.
  public struct Mark: Sendable {
    fileprivate var chunk: Int
    fileprivate var offset: Int

    /// The beginning: releasing to it gives back everything.
    public static let start = Mark(chunk: 0, offset: 0)
  }

  /// Floats of a chunk. The system gives a large buffer's memory page by page as it is written, so
  /// that only what is used counts; many small chunks would leave gaps where a map does not fit.
  private static let chunkCount = 1 << 24

  private var chunks: [AlignedBuffer] = []
  private var top = Mark.start

  /// An empty arena.
  public init() {}

  /// The current position.
  public var mark: Mark { top }

  /// Gives back everything that was taken since `mark`.
  public func release(to mark: Mark) { top = mark }

  /// `count` floats on a cache-line boundary, contents undefined.
  public func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let needed = (count + 15) / 16 * 16
    while true {
      if top.chunk == chunks.count {
        chunks.append(AlignedBuffer(count: max(needed, Self.chunkCount)))
      }
      if top.offset + needed <= chunks[top.chunk].count {
        defer { top.offset += needed }
        return chunks[top.chunk].base + top.offset
      }
      top = Mark(chunk: top.chunk + 1, offset: 0)
    }
  }

  /// Bytes of all chunks so far, used or not.
  public var capacity: Int { chunks.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.stride }
}
