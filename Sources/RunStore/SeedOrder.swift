import Basics

/// How conditions and orders compare seeds, whole numbers below 2⁶⁴, of which views show those that
/// SQLite's integers cannot hold as texts of their digits: as texts of twenty digits, which stand in
/// the order of the numbers.
enum SeedOrder {
  /// Whether a name is that of a column of seeds: tags and metrics called so are none.
  static func holds(_ name: String) -> Bool {
    let prefix = ["params.", "attributes."].first(where: name.hasPrefix) ?? ""
    return ["seed", "attack_seed"].contains(name.dropFirst(prefix.count).lowercased())
  }

  /// The place of a column's values, in SQL.
  static func sql(_ column: String) -> String {
    "substr('\(String(repeating: "0", count: digits))' || \(column), -\(digits))"
  }

  /// The place of a number among seeds, whatever its sign, size and fraction; nil where it is none.
  static func place(of number: String) -> String? {
    if let seed = UInt64(number) { return padded(seed) }
    guard let value = RowFilter.share(number) ?? Fraction.parse(number), !value.isNaN else {
      return nil
    }
    guard value >= 0 else { return "" }
    guard let floor = UInt64(exactly: value.rounded(.down)) else { return ":" }
    return padded(floor) + (value > value.rounded(.down) ? ".5" : "")
  }

  private static let digits = 20

  private static func padded(_ seed: UInt64) -> String {
    let text = "\(seed)"
    return String(repeating: "0", count: digits - text.count) + text
  }
}
