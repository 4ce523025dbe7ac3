import Basics
import CZlib
import Foundation

/// What a gzip file holds, decompressed only as far as it is read: a small file can stand for any
/// number of bytes.
final class GzipStream: ByteSource {
  private let file: RegularFile
  private var stream = z_stream()
  /// Compressed bytes that zlib reads on from.
  private let input: UnsafeMutableBufferPointer<UInt8>
  private var produced = 0
  private var isAtEnd = false

  /// Bytes of the file that are read at once.
  private static let portion = 1 << 18

  /// Begins a file; nil where it is no gzip file.
  ///
  /// - Throws: `ElbowError` where it cannot be read.
  init?(_ file: RegularFile) throws {
    self.file = file
    input = .allocate(capacity: Self.portion)
    try refill()
    // 15 bits of window, + 16 for the gzip wrapper.
    guard stream.avail_in >= 2, input[0] == 0x1F, input[1] == 0x8B,
      inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
  }

  deinit {
    inflateEnd(&stream)
    input.deallocate()
  }

  /// The next bytes, fewer at the end.
  ///
  /// - Throws: `ElbowError` where the stream is damaged or ends early.
  func read(upTo count: Int) throws -> [UInt8] {
    var output: [UInt8] = []
    var portion = [UInt8](repeating: 0, count: min(count, Self.portion))
    while output.count < count, !isAtEnd {
      if stream.avail_in == 0 { try refill() }
      let wanted = min(count - output.count, portion.count)
      let (status, given) = portion.withUnsafeMutableBufferPointer { portion -> (Int32, Int) in
        stream.next_out = portion.baseAddress
        stream.avail_out = UInt32(wanted)
        let status = inflate(&stream, Z_NO_FLUSH)
        return (status, wanted - Int(stream.avail_out))
      }
      output.append(contentsOf: portion[..<given])
      produced += given
      switch status {
      case Z_OK where given > 0 || stream.avail_in == 0 && !isExhausted: continue
      case Z_STREAM_END: isAtEnd = true
      default:
        throw ElbowError(
          .damaged,
          "\(file.path): the gzip stream is \(status == Z_DATA_ERROR ? "damaged" : "truncated") after "
            + "\(produced) bytes; install or download the file again")
      }
    }
    return output
  }

  private var isExhausted = false

  /// Reads on in the file.
  private func refill() throws {
    let bytes = try file.read(upTo: Self.portion)
    isExhausted = bytes.isEmpty
    _ = input.update(fromContentsOf: bytes)
    stream.next_in = input.baseAddress
    stream.avail_in = UInt32(bytes.count)
  }
}
