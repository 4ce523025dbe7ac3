import Basics
import Foundation

/// The rows of a file of values with commas or tabs between them.
///
/// **Source** RFC 4180; lines may end in any way, and a byte order mark may stand first.
struct CSVReader {
  private let path: String
  private let bytes: Data
  private let separator: UInt8
  private var place: Int
  /// Number of the line that comes next, from 1.
  private var line = 1

  /// Fields of a row.
  private static let widest = 10_000

  /// - Parameter separator: nil: a tab where the first line has one, else a comma.
  /// - Throws: `ElbowError` where the file cannot be read.
  init(_ path: String) throws {
    self.path = path
    // Opened to see that it is a file: a pipe could not be read twice.
    _ = try RegularFile(path)
    do { bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) } catch {
      throw ElbowError(.inaccessible, "\(path): cannot be read: \(error.localizedDescription)")
    }
    place = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let first = bytes.dropFirst(place).prefix { $0 != 0x0A }
    separator = first.contains(0x09) ? 0x09 : UInt8(ascii: ",")
  }

  /// The next row that is not empty, with the number of its first line; nil at the end.
  ///
  /// - Throws: `ElbowError` for a quote that is not closed, or text behind one.
  mutating func next() throws -> (fields: [String], line: Int)? {
    while place < bytes.count {
      let start = line
      let fields = try row()
      if fields != [""] { return (fields, start) }
    }
    return nil
  }

  private mutating func row() throws -> [String] {
    var fields: [String] = []
    while true {
      fields.append(try field())
      guard fields.count <= Self.widest else {
        throw ElbowError(.damaged, "\(path), line \(line): has more than \(Self.widest) fields")
      }
      guard place < bytes.count else { return fields }
      let byte = bytes[place]
      place += 1
      if byte == separator { continue }
      if byte == 0x0D, place < bytes.count, bytes[place] == 0x0A { place += 1 }
      line += 1
      return fields
    }
  }

  private mutating func field() throws -> String {
    guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else {
      let start = place
      while place < bytes.count, !isEnd(bytes[place]) { place += 1 }
      return String(decoding: bytes[start..<place], as: UTF8.self)
    }
    let start = line
    place += 1
    var text: [UInt8] = []
    while true {
      guard place < bytes.count else {
        throw ElbowError(.damaged, "\(path), line \(start): a quote is not closed")
      }
      let byte = bytes[place]
      place += 1
      if byte == UInt8(ascii: "\"") {
        guard place < bytes.count, bytes[place] == byte else { break }
        place += 1
      } else if byte == 0x0A {
        line += 1
      }
      text.append(byte)
    }
    guard place == bytes.count || isEnd(bytes[place]) else {
      throw ElbowError(.damaged, "\(path), line \(line): text stands behind a closed quote")
    }
    return String(decoding: text, as: UTF8.self)
  }

  private func isEnd(_ byte: UInt8) -> Bool { byte == separator || byte == 0x0A || byte == 0x0D }
}
