import Basics
import CZlib
import Foundation

/// Decompresses a whole gzip stream.
///
/// - Throws: `ElbowError` where the stream is damaged or ends early.
func inflateGzip(_ data: Data, file: String) throws -> [UInt8] {
  var stream = z_stream()
  // 15 bits of window, + 16 for the gzip wrapper.
  guard
    inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else { throw ElbowError(.damaged, "\(file): zlib cannot start") }
  defer { inflateEnd(&stream) }
  var output: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 18)
  var input = [UInt8](data)
  let status = input.withUnsafeMutableBufferPointer { input -> Int32 in
    stream.next_in = input.baseAddress
    stream.avail_in = UInt32(input.count)
    var status = Z_OK
    while status == Z_OK {
      let produced = chunk.withUnsafeMutableBufferPointer { chunk -> Int in
        stream.next_out = chunk.baseAddress
        stream.avail_out = UInt32(chunk.count)
        status = inflate(&stream, Z_NO_FLUSH)
        return chunk.count - Int(stream.avail_out)
      }
      output.append(contentsOf: chunk[..<produced])
      if status == Z_BUF_ERROR || (status == Z_OK && produced == 0 && stream.avail_in == 0) {
        break
      }
    }
    return status
  }
  guard status == Z_STREAM_END else {
    throw ElbowError(
      .damaged,
      "\(file): the gzip stream is \(status == Z_DATA_ERROR ? "damaged" : "truncated") after "
        + "\(output.count) bytes; install or download the file again")
  }
  return output
}
