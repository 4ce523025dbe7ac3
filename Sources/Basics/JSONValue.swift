import Foundation

/// Any JSON value.
public enum JSONValue: Hashable, Sendable, Codable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number, finite, as JSON has no others.
  case number(Double)
  /// A string.
  case string(String)
  /// Values in order.
  case array([JSONValue])
  /// Values by name, which have no order.
  case object([String: JSONValue])

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// The JSON of an encodable value.
  ///
  /// - Throws: what the value's own `encode` throws; `EncodingError` for NaN and infinities.
  public init(encoding value: some Encodable) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
  }

  /// Canonical text: keys sorted by UTF-16 code units, numbers as ECMAScript writes them, minimal
  /// escapes, no white space. Numbers must be finite.
  ///
  /// **Source** RFC 8785.
  public var canonical: String {
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .number(let value): return Self.canonical(number: value)
    case .string(let value): return Self.canonical(string: value)
    case .array(let values): return "[" + values.map(\.canonical).joined(separator: ",") + "]"
    case .object(let members):
      let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
      let pairs = sorted.map { Self.canonical(string: $0.key) + ":" + $0.value.canonical }
      return "{" + pairs.joined(separator: ",") + "}"
    }
  }

  /// A string literal with RFC 8785's escapes.
  public static func canonical(string: String) -> String {
    // Most have nothing to escape.
    if string.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
      return "\"\(string)\""
    }
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\u{8}": text += "\\b"
      case "\t": text += "\\t"
      case "\n": text += "\\n"
      case "\u{c}": text += "\\f"
      case "\r": text += "\\r"
      case "\0"..<" ":
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }

  /// A finite number as ECMAScript's `Number::toString` writes it.
  public static func canonical(number: Double) -> String {
    precondition(number.isFinite, "JSON has no \(number)")
    if number == 0 { return "0" }
    // Swift prints the same shortest digits that ECMAScript does; only the layout differs.
    let shortest = "\(number.magnitude)"
    let sign = number < 0 ? "-" : ""
    if !shortest.utf8.contains(UInt8(ascii: "e")) {
      return sign + (shortest.hasSuffix(".0") ? shortest.dropLast(2) : shortest[...])
    }
    let (mantissa, exponent) = split(shortest)
    let digits = mantissa.count
    // value = 0.d₁d₂…dₙ × 10^point
    let point = exponent
    let text: String
    if digits <= point, point <= 21 {
      text = mantissa + String(repeating: "0", count: point - digits)
    } else if 0 < point, point <= 21 {
      text = mantissa.prefix(point) + "." + mantissa.dropFirst(point)
    } else if -6 < point, point <= 0 {
      text = "0." + String(repeating: "0", count: -point) + mantissa
    } else {
      let power = point - 1
      let first = digits == 1 ? mantissa : mantissa.prefix(1) + "." + mantissa.dropFirst(1)
      text = "\(first)e\(power < 0 ? "-" : "+")\(abs(power))"
    }
    return sign + text
  }

  /// Significant digits without leading or trailing zeros, and the position of the point.
  private static func split(_ description: String) -> (digits: String, point: Int) {
    let parts = description.split(separator: "e")
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let number = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = number[0]
    let all = whole + (number.count > 1 ? number[1] : "")
    let leading = all.prefix { $0 == "0" }.count
    var digits = String(all.dropFirst(leading))
    while digits.hasSuffix("0") { digits.removeLast() }
    return (digits, whole.count - leading + exponent)
  }
}
