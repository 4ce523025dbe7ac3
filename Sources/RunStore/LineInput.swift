import Basics
import Foundation

/// Lines of a stream as they come, for a reader who has something to do while none does.
package final class LineInput {
  /// What there is to read.
  package enum Event: Hashable, Sendable {
    /// A line without what ends it.
    case line(String)
    /// No whole line has come for as long as was to be waited.
    case quiet
    /// All has been read.
    case end
    /// Whoever started the reader wants it to stop.
    case stopped
  }

  private let stream: Int32
  private let stop: Int32?
  private var bytes: [UInt8] = []
  /// Up to where there is no line feed.
  private var searched = 0
  private var isAtEnd = false

  /// Bytes of the longest line.
  private static let longest = 1 << 24

  /// Lines of a stream.
  ///
  /// - Parameters:
  ///   - stream: what is read; it stays open.
  ///   - stop: a stream that has something to read, or ends, when no more is wanted; nil: none.
  package init(_ stream: Int32 = STDIN_FILENO, until stop: Int32? = nil) {
    (self.stream, self.stop) = (stream, stop)
  }

  /// The next line, or what there is in its place.
  ///
  /// - Parameter patience: how long it is waited for; nil: as long as it takes.
  /// - Throws: `ElbowError` where the stream cannot be read, or a line is longer than 16 MiB.
  package func next(within patience: Duration?) throws -> Event {
    while true {
      if let line = takeLine() { return .line(line) }
      if isAtEnd { return .end }
      guard bytes.count <= Self.longest else {
        throw ElbowError(.malformed, "a line is longer than \(Self.longest) bytes")
      }
      var polled = [stream, stop ?? -1].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      let milliseconds = patience.map { Int32(max(0, $0.seconds * 1000).rounded(.up)) } ?? -1
      let ready = poll(&polled, nfds_t(polled.count), milliseconds)
      if ready < 0, errno == EINTR { continue }
      if ready == 0 { return .quiet }
      // What has come already comes first.
      if polled[0].revents == 0, polled[1].revents != 0 { return .stopped }
      try fill()
    }
  }

  private func fill() throws {
    var portion = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(stream, &portion, portion.count)
    if count < 0, errno == EINTR || errno == EAGAIN { return }
    guard count >= 0 else {
      throw ElbowError(
        .inaccessible, "standard input cannot be read (\(String(cString: strerror(errno))))")
    }
    isAtEnd = count == 0
    bytes.append(contentsOf: portion[..<count])
  }

  /// The first line of what was read, at the end what is left.
  private func takeLine() -> String? {
    guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = bytes.count
      guard isAtEnd, !bytes.isEmpty else { return nil }
      defer { (bytes, searched) = ([], 0) }
      return String(decoding: bytes, as: UTF8.self)
    }
    let isCarriageReturn = end > 0 && bytes[end - 1] == UInt8(ascii: "\r")
    let line = String(decoding: bytes[..<(isCarriageReturn ? end - 1 : end)], as: UTF8.self)
    bytes.removeFirst(end + 1)
    searched = 0
    return line
  }
}
