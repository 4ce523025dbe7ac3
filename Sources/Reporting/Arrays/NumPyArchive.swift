import Basics
import CZlib
import Foundation

/// A NumPy archive under way: a ZIP file, not compressed, of arrays that are written one after the
/// other, so that no array need be in memory.
///
/// **Source** PKWARE's APPNOTE.TXT 6.3: sizes and checksums stand behind what they are of.
package final class NumPyArchive {
  /// An array's entry in the file's directory.
  private struct Entry {
    var name: String
    var offset: UInt32
    var size: UInt32
    var checksum: UInt32 = 0
  }

  /// What 32-bit sizes can tell.
  private static let largest = Int(UInt32.max)

  private let path: String
  private let file: WholeFile
  private var entries: [Entry] = []
  private var offset = 0

  /// Begins an archive.
  ///
  /// - Throws: `ElbowError` where the file cannot be made.
  package init(_ path: String) throws {
    self.path = path
    file = try WholeFile(path)
  }

  /// Adds an array.
  ///
  /// - Parameter body: gives its values, in order, by calls of what it is handed.
  /// - Throws: `ElbowError` where the file cannot be written or grows beyond 4 GiB; what `body` throws.
  package func add(
    _ array: NumPyArray, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    let header = array.header
    let size = header.count + array.size
    guard offset + size + 1 << 16 < Self.largest else {
      throw ElbowError(
        .malformed,
        "\(path): '\(array.name)' takes \(array.size.counted("byte")), more than an archive holds "
          + "(4 GiB); write csv or jsonl")
    }
    var entry = Entry(name: array.name + ".npy", offset: UInt32(offset), size: UInt32(size))
    try write(
      Self.bytes(4, 0x0403_4b50) + Self.common(entry, isKnown: false) + [UInt8](entry.name.utf8))
    var (checksum, written) = (UInt(0), 0)
    func add(_ bytes: UnsafeRawBufferPointer) throws {
      checksum = crc32(
        checksum, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(bytes.count))
      written += bytes.count
      try file.write(bytes)
    }
    try header.withUnsafeBytes { try add($0) }
    try body(add)
    precondition(written == size, "\(array.name) has \(written) bytes, its shape \(size)")
    offset += size
    entry.checksum = UInt32(truncatingIfNeeded: checksum)
    try write(
      Self.bytes(4, 0x0807_4b50) + Self.bytes(4, entry.checksum)
        + Self.bytes(4, entry.size) + Self.bytes(4, entry.size))
    entries.append(entry)
  }

  /// Adds an array of plain values.
  package func add<Value: BitwiseCopyable>(_ array: NumPyArray, _ values: [Value]) throws {
    try add(array) { write in try values.withUnsafeBytes { try write($0) } }
  }

  /// Adds an array of texts, with one axis, or none for a single text.
  package func add(_ name: String, _ texts: [String], isSingle: Bool = false) throws {
    let length = texts.map(\.unicodeScalars.count).max() ?? 0
    let array = NumPyArray(name, .text(length), isSingle ? [] : [texts.count])
    try add(array, texts.flatMap(array.bytes))
  }

  /// Writes the directory, and gives the file its name.
  ///
  /// - Throws: `ElbowError`.
  package func finish() throws {
    let start = offset
    for entry in entries {
      try write(
        Self.bytes(4, 0x0201_4b50) + Self.bytes(2, 20) + Self.common(entry, isKnown: true)
          + [UInt8](repeating: 0, count: 10) + Self.bytes(4, entry.offset)
          + [UInt8](entry.name.utf8))
    }
    let count = UInt32(entries.count)
    try write(
      Self.bytes(4, 0x0605_4b50) + Self.bytes(4, 0) + Self.bytes(2, count) + Self.bytes(2, count)
        + Self.bytes(4, UInt32(offset - start)) + Self.bytes(4, UInt32(start)) + Self.bytes(2, 0))
    try file.finish()
  }

  /// What an entry says before its data and in the directory: version 2.0, sizes behind the data,
  /// stored as it is, the first moment of 1980.
  private static func common(_ entry: Entry, isKnown: Bool) -> [UInt8] {
    let (checksum, size) = isKnown ? (entry.checksum, entry.size) : (0, 0)
    return bytes(2, 20) + bytes(2, 8) + bytes(2, 0) + bytes(2, 0) + bytes(2, 33)
      + bytes(4, checksum) + bytes(4, size) + bytes(4, size)
      + bytes(2, UInt32(entry.name.utf8.count)) + bytes(2, 0)
  }

  private static func bytes(_ count: Int, _ value: UInt32) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }

  private func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try file.write($0) }
    offset += bytes.count
  }
}
