import Basics
import Foundation

/// The lines of a file or pipe, as many at once as have come.
final class LineReader {
  /// What came.
  enum Arrival {
    /// Lines without their ends; valid until the next call, each with a byte behind it.
    case lines([UnsafeBufferPointer<UInt8>])
    /// Nothing within the time.
    case nothing
    /// A line beyond all measure; what there is of it is passed over.
    case tooLong
    case end
  }

  /// Bytes of a line.
  static let longest = 256 << 20

  private let file: Int32
  private let stop: Int32?
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity = 1 << 20
  /// The part of the buffer that is not given out yet.
  private var start = 0
  private var end = 0
  private var isPassing = false
  private var isOver = false

  /// - Parameters:
  ///   - file: is read.
  ///   - stop: can be read once nothing more is to be.
  init(_ file: Int32, until stop: Int32? = nil) {
    (self.file, self.stop) = (file, stop)
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  /// What comes next.
  ///
  /// - Parameter seconds: how long to wait for it.
  /// - Throws: `ElbowError` where the file cannot be read.
  func next(waiting seconds: Double) throws -> Arrival {
    while true {
      if isOver { return .end }
      guard isReadable(within: seconds) else { return isOver ? .end : .nothing }
      makeRoom()
      // One byte stays free, to stand behind a last line without an end.
      let count = Foundation.read(file, base + end, capacity - 1 - end)
      if count < 0 {
        if errno == EINTR { continue }
        throw ElbowError(
          .inaccessible, "the lines cannot be read (\(String(cString: strerror(errno))))")
      }
      if count == 0 {
        isOver = true
        guard start < end, !isPassing else { return .end }
        base[end] = 0x0A
        return .lines([.init(start: base + start, count: end - start)])
      }
      end += count
      let lines = cut()
      if isPassing { start = end }
      if !lines.isEmpty { return .lines(lines) }
      if end - start >= Self.longest {
        (start, end, isPassing) = (0, 0, true)
        return .tooLong
      }
    }
  }

  private func isReadable(within seconds: Double) -> Bool {
    // A descriptor below 0 is passed over.
    var requests = [file, stop ?? -1].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
      let left = max(0, (deadline - .now) / .milliseconds(1))
      let count = poll(&requests, 2, Int32(left.rounded(.up)))
      if count > 0, requests[1].revents != 0 { isOver = true }
      if count > 0 { return !isOver }
      if count == 0 { return false }
      guard errno == EINTR else { return true }
    }
  }

  /// Moves what is left to the front, in a larger buffer where it fills the one there is.
  private func makeRoom() {
    let left = end - start
    if capacity - left < 1 << 16 {
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: 4 * capacity)
      memcpy(larger, base + start, left)
      base.deallocate()
      (base, capacity) = (larger, 4 * capacity)
    } else if start > 0 {
      memmove(base, base + start, left)
    }
    (start, end) = (0, left)
  }

  /// The whole lines that have come.
  private func cut() -> [UnsafeBufferPointer<UInt8>] {
    var lines: [UnsafeBufferPointer<UInt8>] = []
    while start < end, let found = memchr(base + start, 0x0A, end - start) {
      let stop = base.distance(to: found.assumingMemoryBound(to: UInt8.self))
      if isPassing {
        isPassing = false
      } else {
        lines.append(.init(start: base + start, count: stop - start))
      }
      start = stop + 1
    }
    return lines
  }
}
