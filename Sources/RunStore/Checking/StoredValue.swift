import Basics
import Foundation
import GRDB

/// A value as SQLite keeps it, of which bits can be changed: text as bytes, which need be no UTF-8.
struct StoredValue: Hashable {
  /// SQLite's types; the number is what a checksum begins a value with.
  enum Kind: UInt64 { case null, integer, real, text, blob }

  let kind: Kind
  /// Of a number.
  var bits: UInt64 = 0
  /// Of text and blobs.
  var bytes: [UInt8] = []

  /// Columns that `init(_:at:)` takes, for a column of a table.
  static func columns(_ name: String) -> String {
    "typeof(\(name)), iif(typeof(\(name)) = 'text', CAST(\(name) AS BLOB), \(name))"
  }

  static let null = StoredValue(kind: .null)

  static func integer(_ value: Int64) -> StoredValue {
    StoredValue(kind: .integer, bits: UInt64(bitPattern: value))
  }

  private init(kind: Kind, bits: UInt64 = 0, bytes: [UInt8] = []) {
    (self.kind, self.bits, self.bytes) = (kind, bits, bytes)
  }

  /// The value in the two columns from `index` on.
  init(_ row: Row, at index: Int) {
    switch (row[index + 1] as DatabaseValue).storage {
    case .null: self = .null
    case .int64(let value): self = .integer(value)
    case .double(let value): self.init(kind: .real, bits: value.bitPattern)
    case .string(let text): self.init(kind: .text, bytes: Array(text.utf8))
    case .blob(let data):
      self.init(kind: row[index] == "text" ? .text : .blob, bytes: [UInt8](data))
    }
  }

  /// For people.
  var description: String {
    switch kind {
    case .null: "NULL"
    case .integer: "\(Int64(bitPattern: bits))"
    case .real: "\(Double(bitPattern: bits))"
    case .text: String(decoding: bytes, as: UTF8.self)
    case .blob: "\(bytes.count.counted("byte"))"
    }
  }

  /// Values that one accident could have made this one of: with a bit flipped, or another small number
  /// or none in its place.
  ///
  /// - Returns: whether `isIt` was true of one of them; it is the one that was asked last.
  func precursor(_ isIt: (StoredValue) -> Bool) -> StoredValue? {
    var value = self
    for bit in 0..<(kind == .integer || kind == .real ? 64 : 0) {
      value.bits = bits ^ 1 << UInt64(bit)
      if isIt(value) { return value }
    }
    for bit in 0..<8 * bytes.count {
      value.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      if isIt(value) { return value }
      value.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    guard kind == .integer || kind == .null else { return isIt(.null) ? .null : nil }
    return ((0...255).lazy.map(Self.integer) + [.null]).first(where: isIt)
  }
}

extension Checksum {
  /// The checksum of a row of values.
  init(_ row: [StoredValue]) {
    self.init()
    for value in row {
      add(value.kind.rawValue)
      switch value.kind {
      case .null: break
      case .integer: add(value.bits)
      case .real: add((Double(bitPattern: value.bits) + 0).bitPattern)
      case .text, .blob: value.bytes.withUnsafeBytes { add($0) }
      }
    }
  }
}
