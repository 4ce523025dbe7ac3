import Basics
import Foundation

/// Arrays of unsigned bytes in IDX files, plain or gzipped.
///
/// What the header says is checked before anything of that size is read, so that no file takes more
/// memory than its images.
enum IDX {
  /// Bytes of the largest array: two million images.
  private static let largest = 1 << 31

  /// - Parameters:
  ///   - name: file name without `.gz`.
  ///   - sizes: expected dimensions, nil for any.
  static func read(
    _ name: String, in directory: String, sizes: [Int?], remedy: String
  ) throws -> (path: String, bytes: [UInt8]) {
    let candidates = ["\(directory)/\(name)", "\(directory)/\(name).gz"]
    guard let path = candidates.first(where: FileManager.default.fileExists(atPath:)) else {
      throw ElbowError(.missing, "\(candidates[1]): no such file; \(remedy)")
    }
    let file = try RegularFile(path)
    var source: any ByteSource = file
    if path.hasSuffix(".gz") {
      guard let stream = try GzipStream(file) else {
        throw ElbowError(.damaged, "\(path): is not a gzip file; \(remedy)")
      }
      source = stream
    }
    let expected = try count(in: source.read(upTo: 4 + 4 * sizes.count), sizes, path, remedy)
    let bytes = try source.read(upTo: expected)
    let more = try source.read(upTo: 1)
    guard bytes.count == expected, more.isEmpty else {
      throw ElbowError(
        .damaged,
        "\(path): is \(more.isEmpty ? "truncated: \(bytes.count)" : "too long: more than \(expected)") "
          + "bytes, expected \(expected); \(remedy)")
    }
    return (path, bytes)
  }

  /// Bytes that a header announces.
  private static func count(
    in header: [UInt8], _ sizes: [Int?], _ path: String, _ remedy: String
  ) throws -> Int {
    let magic = [0, 0, 8, UInt8(sizes.count)]
    guard header.count == 4 + 4 * sizes.count, Array(header[..<4]) == magic else {
      throw ElbowError(
        .damaged,
        "\(path): does not begin like an IDX file of \(sizes.count) dimensions of bytes (expected "
          + "\(magic), found \(Array(header.prefix(4)))); \(remedy)")
    }
    let found = sizes.indices.map { d in
      header[(4 + 4 * d)..<(8 + 4 * d)].reduce(0) { $0 << 8 | Int($1) }
    }
    for (size, expected) in zip(found, sizes) {
      if let expected, size != expected {
        throw ElbowError(
          .damaged,
          "\(path): holds arrays of \(found.dropFirst()), expected "
            + "\(sizes.dropFirst().compactMap(\.self)); \(remedy)")
      }
    }
    let count = found.reduce(1, *)
    guard count <= largest else {
      throw ElbowError(
        .damaged,
        "\(path): announces \(count) bytes, and Elbow reads \(largest) at most; \(remedy)")
    }
    return count
  }
}

/// Something that bytes are read from, one after the other.
protocol ByteSource {
  /// The next bytes, fewer at the end.
  ///
  /// - Throws: `ElbowError` where they cannot be read.
  func read(upTo count: Int) throws -> [UInt8]
}

extension RegularFile: ByteSource {}
