import Basics
import Foundation
import GRDB
import Records

/// A condition over the columns of a table, as `accuracy > 0.8 AND strategy LIKE 'uniform%'`.
///
/// Comparisons (`= == != <> < <= > >=`), `AND`, `OR`, `NOT`, `[NOT] IN (…)`, `[NOT] LIKE`,
/// `IS [NOT] NULL` and parentheses over names (`ColumnNames`; functions of metrics as `last(NAME)`),
/// quoted texts and numbers, which may be fractions (`8/255`) or percentages (`85%`). Every value is
/// bound, never spliced.
public struct RowFilter: Sendable {
  /// Where the condition stands, for messages.
  let place: String
  private let tokens: [Token]
  /// Conditions that must hold as well.
  private var others: [RowFilter] = []

  enum Token: Hashable {
    case name(String)
    case word(String)
    case number(String)
    case text(String)
    case symbol(String)

    var spelling: String {
      switch self {
      case .name(let s), .word(let s), .number(let s), .symbol(let s): s
      case .text(let s): "'\(s)'"
      }
    }
  }

  /// Most words and signs: SQLite binds so many values.
  private static let longest = 30_000
  /// Characters of a condition that a message repeats.
  private static let shown = 200
  private static let words: Set = ["AND", "OR", "NOT", "IN", "LIKE", "IS", "NULL"]
  static let comparisons: Set = ["=", "==", "!=", "<>", "<", "<=", ">", ">="]

  /// Reads a condition that was given as `--where`.
  ///
  /// - Throws: `ElbowError` for characters that have no place in one.
  public init(_ text: String) throws { try self.init(text, label: "`where`") }

  /// Reads a condition.
  ///
  /// - Parameters:
  ///   - text: the condition.
  ///   - label: what it was given as, for messages.
  /// - Throws: `ElbowError` for characters that have no place in one.
  public init(_ text: String, label: String) throws {
    let shown = text.prefix(Self.shown)
    let place = "\(label) \"\(shown)\(shown.endIndex < text.endIndex ? "…" : "")\""
    self.place = place
    var tokens: [Token] = []
    var rest = text[...]
    while let c = rest.first {
      if c.isWhitespace {
        rest.removeFirst()
      } else if c.isLetter || c == "_" || c == "\"" || c == "`" {
        tokens.append(try Self.name(&rest, place))
      } else if c.isNumber || c == "-" || c == "+" || c == "." {
        let digits = rest.prefix { $0.isNumber || $0.isLetter || "+-./%".contains($0) }
        guard Self.number(digits) != nil else { throw Self.fail(place, "'\(digits)' is no number") }
        tokens.append(.number(String(digits)))
        rest = rest[digits.endIndex...]
      } else if c == "'" {
        tokens.append(.text(try Self.quoted(&rest, "'", place)))
      } else {
        let two = String(rest.prefix(2))
        let symbol = Self.comparisons.contains(two) ? two : String(c)
        guard Self.comparisons.contains(symbol) || "(),".contains(symbol) else {
          if c == "%", case .number(let digits)? = tokens.last {
            throw Self.fail(place, "write \(digits)% without a space")
          }
          throw Self.fail(place, "'\(c)' has no place in a condition")
        }
        tokens.append(.symbol(symbol))
        rest.removeFirst(symbol.count)
      }
    }
    guard tokens.count <= Self.longest else {
      throw Self.fail(place, "it has more than \(Self.longest) words and signs")
    }
    self.tokens = tokens
  }

  /// A condition of the program's own, which is in form.
  init(_ tokens: [Token]) {
    place = "condition \"\(tokens.map(\.spelling).joined(separator: " "))\""
    self.tokens = tokens
  }

  /// Both conditions at once.
  public func and(_ other: RowFilter) -> RowFilter {
    var both = self
    both.others.append(other)
    return both
  }

  /// The value of `12`, `1e-3`, `8/255` or `85%`; nil for anything else.
  static func number(_ digits: some StringProtocol) -> (any DatabaseValueConvertible)? {
    if let integer = Int64(digits) { return integer }
    return share(digits) ?? Fraction.parse(String(digits))
  }

  /// The value of `85%`; nil for anything else.
  static func share(_ digits: some StringProtocol) -> Double? {
    digits.last == "%" ? Double(String(digits.dropLast())).map { $0 / 100 } : nil
  }

  private static func name(_ rest: inout Substring, _ place: String) throws -> Token {
    if let quote = rest.first, quote == "\"" || quote == "`" {
      return .name(try quoted(&rest, quote, place))
    }
    // There is no arithmetic, so that signs within a name are its own: metrics.cross-entropy.
    let word = rest.prefix { $0.isLetter || $0.isNumber || "_.-/:@".contains($0) }
    rest = rest[word.endIndex...]
    return words.contains(word.uppercased()) ? .word(word.uppercased()) : .name(String(word))
  }

  /// What stands between quotes; a doubled one stands for itself.
  private static func quoted(
    _ rest: inout Substring, _ quote: Character, _ place: String
  ) throws -> String {
    rest.removeFirst()
    var value = ""
    while let c = rest.popFirst() {
      guard c == quote else {
        value.append(c)
        continue
      }
      guard rest.first == quote else { return value }
      value.append(rest.removeFirst())
    }
    throw fail(place, "a quote is not closed")
  }

  static func fail(_ place: String, _ problem: String) -> ElbowError {
    ElbowError(.malformed, "\(place): \(problem)")
  }

  /// Names that it uses.
  var names: [String] {
    ([self] + others).flatMap(\.tokens).compactMap { token in
      if case .name(let name) = token { name } else { nil }
    }
  }

  /// The condition in SQL with its bound values.
  ///
  /// - Throws: `ElbowError` for unknown columns, with a suggestion, and malformed conditions.
  func sql(
    over names: ColumnNames
  ) throws -> (sql: String, arguments: [String: (any DatabaseValueConvertible)?]) {
    var arguments: [String: (any DatabaseValueConvertible)?] = [:]
    let conditions = try ([self] + others).map { filter in
      var parser = Parser(
        tokens: filter.tokens[...], place: filter.place, names: names, arguments: arguments)
      let condition = try parser.alternatives()
      if let extra = parser.tokens.first {
        throw Self.fail(filter.place, "'\(extra.spelling)' is not expected there")
      }
      guard condition.depth <= ConditionTree.deepest else {
        throw Self.fail(
          filter.place, "AND and OR stand in one another more than \(ConditionTree.deepest) times")
      }
      arguments = parser.arguments
      return "(\(condition.sql))"
    }
    return (conditions.joined(separator: " AND "), arguments)
  }
}
