import Foundation

/// Reads JSON where it lies in memory, byte by byte, without making values that nobody asked for.
///
/// It takes what programs write by the million: numbers, texts without escapes, arrays, objects, and
/// `NaN`, `Infinity` and `-Infinity`, which Python writes. Whatever else it meets it says no to, and
/// `JSONValue(lenient:)` asks `JSONDecoder`.
///
/// The bytes must stay where they are while it reads, with one more behind them that is no part of a
/// number, as a line feed.
package struct JSONScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0
  private var end: Int { bytes.count }

  /// Values within values that are read.
  private static let deepest = 64

  /// A scanner of all of `bytes`.
  package init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// Whether everything but white space has been read.
  package var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return place == end
    }
  }

  @inline(__always)
  private mutating func skipSpace() {
    while place < end, bytes[place] == 0x20 || (0x09...0x0D).contains(bytes[place]) { place += 1 }
  }

  /// Reads a character past white space.
  @inline(__always)
  package mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard place < end, bytes[place] == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  /// The next character past white space, which stays.
  private mutating func peek() -> UInt8? {
    skipSpace()
    return place < end ? bytes[place] : nil
  }

  /// The bytes of a text without escapes; nil where another thing comes.
  package mutating func text() -> UnsafeBufferPointer<UInt8>? {
    guard take("\"") else { return nil }
    let start = place
    while place < end {
      switch bytes[place] {
      case UInt8(ascii: "\""):
        defer { place += 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<place])
      case UInt8(ascii: "\\"), 0..<0x20: return nil
      default: place += 1
      }
    }
    return nil
  }

  /// A number; nil where another thing comes.
  package mutating func number() -> Double? {
    skipSpace()
    let start = place
    let isNegative = place < end && bytes[place] == UInt8(ascii: "-")
    if isNegative { place += 1 }
    guard place < end, isDigit(bytes[place]) else { return notFinite(isNegative) }
    var (mantissa, digits, exponent) = (UInt64(0), 0, 0)
    func add(_ byte: UInt8) {
      mantissa = mantissa &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
      if mantissa > 0 { digits += 1 }
    }
    let leading = bytes[place]
    let whole = place
    while place < end, isDigit(bytes[place]) {
      add(bytes[place])
      place += 1
    }
    if leading == UInt8(ascii: "0"), place - whole > 1 { return nil }
    if place < end, bytes[place] == UInt8(ascii: ".") {
      place += 1
      let first = place
      while place < end, isDigit(bytes[place]) {
        add(bytes[place])
        place += 1
      }
      guard place > first else { return nil }
      exponent = first - place
    }
    if place < end, bytes[place] | 0x20 == UInt8(ascii: "e") {
      place += 1
      var sign = 1
      if place < end, bytes[place] == UInt8(ascii: "-") || bytes[place] == UInt8(ascii: "+") {
        sign = bytes[place] == UInt8(ascii: "-") ? -1 : 1
        place += 1
      }
      let first = place
      var power = 0
      while place < end, isDigit(bytes[place]) {
        power = min(power * 10 + Int(bytes[place] - UInt8(ascii: "0")), 100_000)
        place += 1
      }
      guard place > first else { return nil }
      exponent += sign * power
    }
    // Both factors are exact, so that their product or quotient is rounded once.
    if digits <= 19, mantissa <= 1 << 53, (-22...22).contains(exponent) {
      let exact = Double(mantissa)
      let value =
        exponent < 0 ? exact / Self.powers[-exponent] : exact * Self.powers[exponent]
      return isNegative ? -value : value
    }
    guard let base = bytes.baseAddress else { return nil }
    return strtod(UnsafeRawPointer(base + start).assumingMemoryBound(to: CChar.self), nil)
  }

  private static let powers = (0...22).map { pow(10, Double($0)) }

  @inline(__always)
  private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  private mutating func notFinite(_ isNegative: Bool) -> Double? {
    if word("Infinity") { return isNegative ? -.infinity : .infinity }
    return !isNegative && word("NaN") ? .nan : nil
  }

  /// Reads a word that stands right here.
  private mutating func word(_ word: StaticString) -> Bool {
    guard end - place >= word.utf8CodeUnitCount, let base = bytes.baseAddress,
      memcmp(base + place, word.utf8Start, word.utf8CodeUnitCount) == 0
    else { return false }
    place += word.utf8CodeUnitCount
    return true
  }

  /// Reads `null`.
  package mutating func null() -> Bool {
    skipSpace()
    return word("null")
  }

  /// Any value; nil where it is out of form, or not of the plain kind that is read here.
  package mutating func value() -> JSONValue? { value(depth: 0) }

  private mutating func value(depth: Int) -> JSONValue? {
    guard depth < Self.deepest, let next = peek() else { return nil }
    switch next {
    case UInt8(ascii: "\""):
      return text().flatMap { String(validating: $0, as: UTF8.self) }.map { .string($0) }
    case UInt8(ascii: "["):
      place += 1
      var values: [JSONValue] = []
      if take("]") { return .array(values) }
      repeat {
        guard let value = value(depth: depth + 1) else { return nil }
        values.append(value)
      } while take(",")
      return take("]") ? .array(values) : nil
    case UInt8(ascii: "{"):
      place += 1
      var members: [String: JSONValue] = [:]
      if take("}") { return .object(members) }
      repeat {
        guard let name = text().flatMap({ String(validating: $0, as: UTF8.self) }), take(":"),
          let value = value(depth: depth + 1), members.updateValue(value, forKey: name) == nil
        else { return nil }
      } while take(",")
      return take("}") ? .object(members) : nil
    case UInt8(ascii: "t"): return word("true") ? .bool(true) : nil
    case UInt8(ascii: "f"): return word("false") ? .bool(false) : nil
    case UInt8(ascii: "n"): return word("null") ? .null : nil
    default: return number().map { .number($0) }
    }
  }
}

extension JSONValue {
  /// The value that `bytes` are the text of: JSON, in which `NaN` and infinities may stand.
  ///
  /// - Parameter bytes: with one more behind them, as `JSONScanner` says.
  /// - Throws: `DecodingError`.
  package init(lenient bytes: UnsafeBufferPointer<UInt8>) throws {
    var scanner = JSONScanner(bytes)
    if let value = scanner.value(), scanner.isAtEnd {
      self = value
      return
    }
    // Not as JSON5: Foundation's reader of that traps on some numbers.
    self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
  }
}

extension JSONValue {
  /// A number, or the name of one that JSON has no word for.
  package var measurement: Double? {
    switch self {
    case .number(let number): number
    case .string(let text): Double(text).flatMap { $0.isFinite ? nil : $0 }
    default: nil
    }
  }
}
