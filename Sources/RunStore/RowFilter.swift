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
  private let place: String
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

  private static let words: Set = ["AND", "OR", "NOT", "IN", "LIKE", "IS", "NULL"]
  private static let comparisons: Set = ["=", "==", "!=", "<>", "<", "<=", ">", ">="]

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
    let place = "\(label) \"\(text)\""
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
          throw Self.fail(place, "'\(c)' has no place in a condition")
        }
        tokens.append(.symbol(symbol))
        rest.removeFirst(symbol.count)
      }
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
  private static func number(_ digits: some StringProtocol) -> (any DatabaseValueConvertible)? {
    if let integer = Int64(digits) { return integer }
    // What SQLite's integers cannot hold: views show such seeds as texts of these digits.
    if let seed = UInt64(digits) { return "\(seed)" }
    if digits.last == "%" { return Double(String(digits.dropLast())).map { $0 / 100 } }
    return Fraction.parse(String(digits))
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

  private static func fail(_ place: String, _ problem: String) -> ElbowError {
    ElbowError(.malformed, "\(place): \(problem)")
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
      let sql = try parser.alternatives()
      if let extra = parser.tokens.first {
        throw Self.fail(filter.place, "'\(extra.spelling)' is not expected there")
      }
      arguments = parser.arguments
      return "(\(sql))"
    }
    return (conditions.joined(separator: " AND "), arguments)
  }

  /// Recursive descent, one function a precedence.
  private struct Parser {
    var tokens: ArraySlice<Token>
    let place: String
    let names: ColumnNames
    var arguments: [String: (any DatabaseValueConvertible)?]

    mutating func alternatives() throws -> String {
      var sql = try conjunction()
      while take(.word("OR")) { sql += " OR \(try conjunction())" }
      return sql
    }

    mutating func conjunction() throws -> String {
      var sql = try negation()
      while take(.word("AND")) { sql += " AND \(try negation())" }
      return sql
    }

    mutating func negation() throws -> String {
      if take(.word("NOT")) { return "NOT \(try negation())" }
      guard take(.symbol("(")) else { return try comparison() }
      let inner = try alternatives()
      try expect(.symbol(")"))
      return "(\(inner))"
    }

    mutating func comparison() throws -> String {
      let before = tokens
      let left = try operand()
      let spelling = before.dropLast(tokens.count).map(\.spelling).joined(separator: " ")
      if take(.word("IS")) {
        let negated = take(.word("NOT"))
        try expect(.word("NULL"))
        return "\(left) IS \(negated ? "NOT " : "")NULL"
      }
      let negated = take(.word("NOT")) ? "NOT " : ""
      if take(.word("LIKE")) { return "\(left) \(negated)LIKE \(try operand())" }
      if take(.word("IN")) {
        try expect(.symbol("("))
        var items = [try operand()]
        while take(.symbol(",")) { items.append(try operand()) }
        try expect(.symbol(")"))
        return "\(left) \(negated)IN (\(items.joined(separator: ", ")))"
      }
      guard negated.isEmpty, case .symbol(let sign)? = tokens.first, comparisons.contains(sign)
      else {
        throw fail(
          "expected a comparison after '\(spelling)'\(found)"
            + (spelling.contains(".") ? "; a name with spaces stands in quotes" : ""))
      }
      tokens.removeFirst()
      try checkShare(before.first, tokens.first)
      return "\(left) \(sign) \(try operand())"
    }

    /// Accuracies are shares: one that is held against 80 was meant as 80 %.
    private func checkShare(_ left: Token?, _ right: Token?) throws {
      guard case .name(let name)? = left, name.lowercased().hasPrefix("accuracy"),
        case .number(let digits)? = right, let value = Double(digits), value > 1, value <= 100
      else { return }
      throw fail("\(name) is a fraction of 1: write \(digits)% or \(value / 100)")
    }

    mutating func operand() throws -> String {
      guard let token = tokens.popFirst() else { throw fail("it ends too early") }
      switch token {
      case .name(let name):
        guard MetricFunction(rawValue: name.lowercased()) != nil, take(.symbol("(")) else {
          return try column(name)
        }
        guard case .name(let metric)? = tokens.popFirst() else {
          throw fail("\(name)(…) needs the name of a metric, as \(name)(val_loss)")
        }
        try expect(.symbol(")"))
        return try column("\(name)(\(metric))")
      case .number(let digits): return bind(RowFilter.number(digits) ?? 0)
      case .text(let value): return bind(value)
      case .word, .symbol: throw fail("'\(token.spelling)' stands where a column or value should")
      }
    }

    private mutating func column(_ name: String) throws -> String {
      let names = names
      do { return try names.sql(name) { bind($0) } } catch let unknown as UnknownName {
        throw fail(unknown.description)
      }
    }

    private mutating func bind(_ value: any DatabaseValueConvertible) -> String {
      let name = "where_\(arguments.count)"
      arguments[name] = value
      return ":\(name)"
    }

    private mutating func take(_ token: Token) -> Bool {
      guard tokens.first == token else { return false }
      tokens.removeFirst()
      return true
    }

    private mutating func expect(_ token: Token) throws {
      guard take(token) else { throw fail("expected '\(token.spelling)'\(found)") }
    }

    private var found: String {
      tokens.first.map { ", found '\($0.spelling)'" } ?? " at the end"
    }

    private func fail(_ problem: String) -> ElbowError { RowFilter.fail(place, problem) }
  }
}
