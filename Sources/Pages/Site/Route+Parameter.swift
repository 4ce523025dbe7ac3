import Basics
import Foundation

extension Route {
  /// A name that may stand behind the question mark.
  struct Parameter: Sendable {
    /// What a value must be.
    enum Kind: Sendable {
      /// Any text; what it may say is for who reads it.
      case text
      case integer(ClosedRange<Int>)
      /// Not negative.
      case number
      /// `true` or `false`.
      case boolean
      case choice([String])
    }

    let name: String
    let meaning: String
    var kind = Kind.text
    /// How often it may be given.
    var count = 0...1
    /// Values that stand for something where anything is recorded; none: any will do.
    var examples: [String] = []
  }

  /// What may stand behind the question mark: documents that are more than a table have parts in CSV only.
  func parameters(isCSV: Bool) -> [Parameter] {
    guard case .document = answer, !isCSV else { return parameters }
    let parts = Parameter.part.map(\.name)
    return parameters.filter { !parts.contains($0.name) }
  }
}

extension Route.Parameter {
  /// Whether it may be repeated.
  var isList: Bool { count.upperBound > 1 }

  /// Checks what is given.
  ///
  /// - Throws: `ElbowError` for what its description does not allow.
  func check(_ values: [String]) throws {
    guard count.contains(values.count) else {
      throw ElbowError(
        .malformed,
        values.isEmpty
          ? "`\(name)` is missing: \(meaning)"
          : count.upperBound == 1
            ? "`\(name)` is given more than once"
            : "`\(name)` may be given \(count.upperBound) times, not \(values.count)")
    }
    for value in values where !allows(value) {
      throw ElbowError(.malformed, "`\(name)` must be \(kind.description), got '\(value)'")
    }
  }

  private func allows(_ value: String) -> Bool {
    switch kind {
    case .text: true
    case .integer(let range): Int(value).map(range.contains) ?? false
    case .number: Double(value).map { $0.isFinite && $0 >= 0 } ?? false
    case .boolean: ["true", "false"].contains(value)
    case .choice(let names): names.contains(value)
    }
  }

  /// An example, as the description has it; nil: there is none.
  var example: JSONValue? {
    guard isList else { return examples.first.map { .string($0) } }
    return examples.isEmpty ? nil : .array(examples.map { .string($0) })
  }

  /// As JSON Schema.
  var schema: JSONValue {
    guard isList else { return kind.schema }
    return .object([
      "type": "array", "items": kind.schema, "minItems": .number(Double(count.lowerBound)),
      "maxItems": .number(Double(count.upperBound)),
    ])
  }
}

extension Route.Parameter.Kind: CustomStringConvertible {
  var description: String {
    switch self {
    case .text: "a text"
    case .integer(let range):
      "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number: "a number that is not negative"
    case .boolean: "true or false"
    case .choice(let names): "one of \(names.joined(separator: ", "))"
    }
  }

  fileprivate var schema: JSONValue {
    switch self {
    case .text: .object(["type": "string"])
    case .integer(let range):
      .object([
        "type": "integer", "minimum": .number(Double(range.lowerBound)),
        "maximum": .number(Double(range.upperBound)),
      ])
    case .number: .object(["type": "number", "minimum": .number(0)])
    case .boolean: .object(["type": "boolean"])
    case .choice(let names):
      .object(["type": "string", "enum": .array(names.map { .string($0) })])
    }
  }
}
