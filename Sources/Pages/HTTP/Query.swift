import Foundation

/// Names with values, as they stand behind the question mark of an address.
package struct Query: Hashable, Sendable {
  /// One name with its value.
  package struct Item: Hashable, Sendable {
    /// Both decoded.
    package var name, value: String

    /// The item as given.
    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// In the order of the address; what was left empty is not among them, as forms send it.
  package var items: [Item]

  /// The items as given.
  package init(_ items: [Item] = []) { self.items = items.filter { !$0.value.isEmpty } }

  /// The query of an address, without its question mark.
  ///
  /// **Edge cases** nil where it is not well-formed percent-encoded UTF-8.
  init?(encoded: Substring) {
    var items: [Item] = []
    for pair in encoded.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(parts[0]),
        let value = parts.count == 2 ? Self.decoded(parts[1]) : ""
      else { return nil }
      items.append(Item(name, value))
    }
    self.init(items)
  }

  private static func decoded(_ text: Substring) -> String? {
    text.replacing("+", with: " ").withoutPercents
  }

  /// The first value of a name; nil where there is none.
  package subscript(name: String) -> String? { items.first { $0.name == name }?.value }

  /// All values of a name.
  package func all(_ name: String) -> [String] {
    items.filter { $0.name == name }.map(\.value)
  }

  /// With other values for some names; nil takes a name away.
  package func with(_ changes: [String: String?]) -> Query {
    var items = items.filter { changes[$0.name] == nil }
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
      if let value { items.append(Item(name, value)) }
    }
    return Query(items)
  }

  /// The query as it stands in an address, question mark included; empty where there is nothing.
  package var encoded: String {
    guard !items.isEmpty else { return "" }
    return "?"
      + items.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }.joined(separator: "&")
  }

  /// A text as a part of an address.
  static func encoded(_ text: String) -> String {
    let plain = CharacterSet(
      charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~,:@")
    return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
  }
}

extension StringProtocol {
  /// What it encodes; nil where that is no text. A zero byte, at which SQLite would end it, becomes a sign.
  var withoutPercents: String? {
    removingPercentEncoding?.replacing("\0", with: "\u{FFFD}")
  }
}
