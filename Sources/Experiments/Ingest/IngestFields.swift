import Basics
import Foundation

/// The members of one JSON object, taken one by one; what is left in the end is unknown.
struct IngestFields {
  private var members: [String: JSONValue]
  /// What stands before the names in messages, as `attack.`.
  private let path: String

  /// - Throws: `ElbowError` where the value is no object.
  init(_ value: JSONValue, path: String = "") throws {
    guard case .object(let members) = value else {
      throw ElbowError(
        .malformed, path.isEmpty ? "a line is a JSON object" : "'\(path)' must be an object")
    }
    self.members = members
    self.path = path.isEmpty ? "" : path + "."
  }

  private func fail(_ key: String, _ needs: String) -> ElbowError {
    ElbowError(.malformed, "'\(path)\(key)' must be \(needs)")
  }

  /// Any value; `null` is as good as nothing.
  mutating func value(_ key: String) -> JSONValue? {
    guard let value = members.removeValue(forKey: key), value != .null else { return nil }
    return value
  }

  /// Any value that must be there.
  mutating func needed(_ key: String) throws -> JSONValue {
    guard let value = value(key) else {
      throw ElbowError(.malformed, "'\(path)\(key)' is missing")
    }
    return value
  }

  mutating func text(_ key: String) throws -> String? {
    guard let value = value(key) else { return nil }
    guard case .string(let text) = value, text.isWhole else { throw fail(key, "a text") }
    return text
  }

  mutating func neededText(_ key: String) throws -> String {
    guard let text = try text(key) else {
      throw ElbowError(.malformed, "'\(path)\(key)' is missing")
    }
    return text
  }

  mutating func real(_ key: String) throws -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.measurement else { throw fail(key, "a number") }
    return number
  }

  /// A finite number from 0 on.
  mutating func amount(_ key: String) throws -> Double? {
    guard let number = try real(key) else { return nil }
    guard number.isFinite, number >= 0 else { throw fail(key, "a number from 0 on") }
    return number
  }

  /// Seconds since 1970.
  mutating func time(_ key: String) throws -> Date? {
    guard let seconds = try real(key) else { return nil }
    guard seconds.magnitude < 1e11 else { throw fail(key, "in seconds since 1970") }
    return Date(timeIntervalSince1970: seconds)
  }

  mutating func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let value = value(key) else { return nil }
    guard case .number(let number) = value, let exact = Int(exactly: number), range ~= exact else {
      let upper = range.upperBound == Self.largest ? "" : " to \(range.upperBound)"
      throw fail(key, "a whole number from \(range.lowerBound)\(upper)")
    }
    return exact
  }

  /// Greatest whole number that JSON carries without loss.
  static let largest = 1 << 53

  mutating func count(_ key: String) throws -> Int? { try integer(key, in: 0...Self.largest) }

  mutating func flag(_ key: String) throws -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .bool(let flag) = value else { throw fail(key, "true or false") }
    return flag
  }

  mutating func texts(_ key: String) throws -> [String]? {
    guard let value = value(key) else { return nil }
    guard case .array(let values) = value else { throw fail(key, "an array of texts") }
    return try values.map {
      guard case .string(let text) = $0, text.isWhole else {
        throw fail(key, "an array of texts")
      }
      return text
    }
  }

  mutating func object(_ key: String) throws -> IngestFields? {
    try value(key).map { try IngestFields($0, path: path + key) }
  }

  /// Texts by name.
  mutating func tags(_ key: String) throws -> [String: String] {
    guard let value = value(key) else { return [:] }
    guard case .object(let members) = value, members.keys.allSatisfy(\.isWhole) else {
      throw fail(key, "an object of texts")
    }
    return try members.mapValues {
      switch $0 {
      case .string(let text) where text.isWhole: text
      case .number(let number) where number.isFinite: JSONValue.canonical(number: number)
      case .bool(let flag): "\(flag)"
      default: throw fail(key, "an object of texts")
      }
    }
  }

  /// SHA-256 as 64 hexadecimal digits in lower case.
  mutating func hash(_ key: String) throws -> String? {
    guard let text = try text(key) else { return nil }
    guard text.isHexDigest else {
      throw fail(key, "64 hexadecimal digits in lower case, a SHA-256")
    }
    return text
  }

  /// Float32 values: base64 of little-endian bytes, or an array of any depth, row after row; `null`
  /// and infinities are +Inf.
  mutating func floats(_ key: String) throws -> [Float]? {
    guard let value = value(key) else { return nil }
    if case .string(let text) = value {
      let needs = "base64 of little-endian Float32"
      guard let data = Data(base64Encoded: text), data.count.isMultiple(of: 4) else {
        throw fail(key, needs)
      }
      return data.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map {
          Float(
            bitPattern: UInt32(
              littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
      }
    }
    var values: [Float] = []
    func add(_ value: JSONValue) throws {
      switch value {
      case .array(let items): for item in items { try add(item) }
      case .null: values.append(.infinity)
      default:
        guard let number = value.measurement else {
          throw fail(key, "base64 of little-endian Float32, or an array of numbers")
        }
        values.append(Float(number))
      }
    }
    guard case .array = value else { throw fail(key, "base64 or an array of numbers") }
    try add(value)
    return values
  }

  /// What is left, as an object: everything that was not asked for.
  mutating func rest() -> [String: JSONValue] {
    defer { members = [:] }
    return members
  }

  /// - Parameter known: names, for a suggestion.
  /// - Throws: `ElbowError` for what nobody asked for.
  func finish(_ known: [String]) throws {
    guard let unknown = members.keys.sorted().first else { return }
    throw ElbowError(
      .unknownName, "'\(path)\(unknown)' is unknown" + didYouMean(unknown, among: known))
  }
}

extension String {
  /// Whether SQLite takes it whole: its texts end at a zero.
  fileprivate var isWhole: Bool { !utf8.contains(0) }

  /// Whether it has the form of a SHA-256: 64 hexadecimal digits in lower case.
  var isHexDigest: Bool { utf8.count == 64 && allSatisfy { "0123456789abcdef".contains($0) } }
}
