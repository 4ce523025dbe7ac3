/// Pictures in PNG, grey or in colours, 8 bits a channel, not compressed: they are small.
///
/// **Source** ISO/IEC 15948; RFC 1950 and 1951 for the stream.
enum PNG {
  /// A picture.
  ///
  /// - Parameters:
  ///   - pixels: planar `[C, H, W]`, 0…1; what lies beyond is cut.
  ///   - channels: 1 or 3.
  ///   - width: of a row.
  ///   - height: rows.
  static func encoded(_ pixels: [Float], channels: Int, width: Int, height: Int) -> [UInt8] {
    precondition(pixels.count == channels * width * height, "pixels \(pixels.count)")
    var rows: [UInt8] = []
    rows.reserveCapacity(height * (1 + width * channels))
    for y in 0..<height {
      // No filter.
      rows.append(0)
      for x in 0..<width {
        for channel in 0..<channels {
          let value = pixels[(channel * height + y) * width + x]
          rows.append(UInt8(min(max(value.isNaN ? 0 : value, 0), 1) * 255 + 0.5))
        }
      }
    }
    let header = word(width) + word(height) + [8, channels == 3 ? 2 : 0, 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
      + chunk("IDAT", zlib(rows)) + chunk("IEND", [])
  }

  private static func word(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let content = Array(type.utf8) + data
    return word(data.count) + content + word(Int(crc(content)))
  }

  /// Stored blocks of at most 65,535 bytes.
  private static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    for start in stride(from: 0, to: bytes.count, by: 65_535) {
      let block = bytes[start..<min(start + 65_535, bytes.count)]
      let length = UInt16(block.count)
      stream.append(start + block.count == bytes.count ? 1 : 0)
      for value in [length, ~length] {
        stream += [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
      }
      stream += block
    }
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return stream + word(Int(b << 16 | a))
  }

  private static let remainders: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1
    }
  }

  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { remainders[Int(($0 ^ UInt32($1)) & 0xFF)] ^ ($0 >> 8) }
  }
}
