import Basics

/// What servers and files say, which may be anything.
extension JSONValue {
  /// A member of an object; null where there is none.
  subscript(_ key: String) -> JSONValue {
    if case .object(let members) = self { members[key] ?? .null } else { .null }
  }

  /// The values of an array; none where it is something else.
  var items: [JSONValue] { if case .array(let values) = self { values } else { [] } }

  /// A text; nil where it is something else, or empty.
  var text: String? {
    if case .string(let text) = self, !text.isEmpty { text } else { nil }
  }

  /// A whole number, written as one or as a text, as some write numbers of 64 bits.
  var integer: Int? {
    switch self {
    case .number(let number): Int(exactly: number)
    case .string(let text): Int(text)
    default: nil
    }
  }

  /// Objects of `key` and `value`, as `[{"key": "a", "value": "b"}]`, by key.
  var pairs: [String: String] {
    items.reduce(into: [:]) { pairs, item in
      guard case .string(let key) = item["key"], case .string(let value) = item["value"] else {
        return
      }
      pairs[key] = value
    }
  }
}

extension JSONValue {
  /// The texts of a value by name, those within an object with dots between the names.
  func parameters(named name: String) -> [String: String] {
    switch self {
    case .object(let members):
      members.reduce(into: [:]) { texts, member in
        texts.merge(member.value.parameters(named: "\(name).\(member.key)")) { first, _ in first }
      }
    case .string(let text): [name: text]
    case .null, .bool, .number, .array: [name: canonical]
    }
  }
}
