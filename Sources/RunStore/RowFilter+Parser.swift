import Basics
import GRDB

extension RowFilter {
  /// Recursive descent, one function a precedence.
  struct Parser {
    var tokens: ArraySlice<Token>
    let place: String
    let names: ColumnNames
    var arguments: [String: (any DatabaseValueConvertible)?]

    /// Parentheses and NOTs around the place at hand.
    private var nesting = 0
    /// Most of them: each takes room on the stack.
    private static let deepest = 500

    init(
      tokens: ArraySlice<Token>, place: String, names: ColumnNames,
      arguments: [String: (any DatabaseValueConvertible)?]
    ) {
      (self.tokens, self.place, self.names, self.arguments) = (tokens, place, names, arguments)
    }

    mutating func alternatives() throws -> ConditionTree {
      var parts = [try conjunction()]
      while take(.word("OR")) { parts.append(try conjunction()) }
      return .any(parts)
    }

    mutating func conjunction() throws -> ConditionTree {
      var parts = [try negation()]
      while take(.word("AND")) { parts.append(try negation()) }
      return .all(parts)
    }

    mutating func negation() throws -> ConditionTree {
      var isNegated = false
      while take(.word("NOT")) { isNegated.toggle() }
      let inner = try parenthesis()
      return isNegated ? .not(inner) : inner
    }

    private mutating func parenthesis() throws -> ConditionTree {
      guard take(.symbol("(")) else { return .leaf(try comparison()) }
      nesting += 1
      defer { nesting -= 1 }
      guard nesting <= Self.deepest else {
        throw fail("more than \(Self.deepest) parentheses stand in one another")
      }
      let inner = try alternatives()
      try expect(.symbol(")"))
      return inner
    }

    mutating func comparison() throws -> String {
      let before = tokens
      let areSeeds = self.areSeeds
      let left = try operand(ofSeeds: areSeeds)
      let spelling = before.dropLast(tokens.count).map(\.spelling).joined(separator: " ")
      if take(.word("IS")) {
        let negated = take(.word("NOT"))
        try expect(.word("NULL"))
        return "\(left) IS \(negated ? "NOT " : "")NULL"
      }
      let negated = take(.word("NOT")) ? "NOT " : ""
      if take(.word("LIKE")) {
        if case .text(let pattern)? = tokens.first, pattern.utf8.count > Connection.longestPattern {
          throw fail("a pattern of LIKE has at most \(Connection.longestPattern) bytes")
        }
        return "\(left) \(negated)LIKE \(try operand(isValue: true))"
      }
      if take(.word("IN")) {
        try expect(.symbol("("))
        for token in tokens.prefix(while: { $0 != .symbol(")") }) {
          try checkText(before.first, token)
        }
        var items = [try operand(ofSeeds: areSeeds, isValue: true)]
        while take(.symbol(",")) { items.append(try operand(ofSeeds: areSeeds, isValue: true)) }
        try expect(.symbol(")"))
        return "\(left) \(negated)IN (\(items.joined(separator: ", ")))"
      }
      guard negated.isEmpty, case .symbol(let sign)? = tokens.first,
        RowFilter.comparisons.contains(sign)
      else {
        throw fail(
          "expected a comparison after '\(spelling)'\(found)"
            + (spelling.contains(".") ? "; a name with spaces stands in quotes" : ""))
      }
      tokens.removeFirst()
      try checkShare(before.first, tokens.first)
      if !sign.hasPrefix("<") && !sign.hasPrefix(">") || sign == "<>" {
        try checkText(before.first, tokens.first)
        try checkText(tokens.first, before.first)
      }
      return "\(left) \(sign) \(try operand(ofSeeds: areSeeds, isValue: true))"
    }

    /// Whether the comparison at hand is of seeds.
    private var areSeeds: Bool {
      let words = tokens.prefix(3)
      return !words.contains(.word("LIKE"))
        && words.contains { if case .name(let name) = $0 { SeedOrder.holds(name) } else { false } }
    }

    /// Accuracies are shares: one that is held against 80 was meant as 80 %.
    private func checkShare(_ left: Token?, _ right: Token?) throws {
      guard case .name(let name)? = left, name.lowercased().hasPrefix("accuracy"),
        case .number(let digits)? = right, let value = Double(digits), value > 1, value <= 100
      else { return }
      throw fail("\(name) is a fraction of 1: write \(digits)% or \(value / 100)")
    }

    /// Of some columns of runs all texts are known.
    private func checkText(_ column: Token?, _ value: Token?) throws {
      guard names.columns.contains("fingerprint"), case .name(let name)? = column,
        case .text(let text)? = value, let problem = KnownValues.problem(name, text)
      else { return }
      throw fail(problem)
    }

    /// A column or a value.
    ///
    /// - Parameters:
    ///   - ofSeeds: by its place among seeds.
    ///   - isValue: whether something is held against it, so that a name that is no column was meant
    ///     as a text.
    mutating func operand(ofSeeds: Bool = false, isValue: Bool = false) throws -> String {
      guard let token = tokens.popFirst() else { throw fail("it ends too early") }
      if ofSeeds {
        switch token {
        case .name(let name): return SeedOrder.sql(try column(name, isValue: isValue))
        case .number(let text), .text(let text): return bind(SeedOrder.place(of: text) ?? text)
        case .word, .symbol: break
        }
      }
      switch token {
      case .name(let name):
        guard MetricFunction(rawValue: name.lowercased()) != nil, take(.symbol("(")) else {
          return try column(name, isValue: isValue)
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

    private mutating func column(_ name: String, isValue: Bool = false) throws -> String {
      let names = names
      do { return try names.sql(name) { bind($0) } } catch let unknown as UnknownName {
        guard isValue else { throw fail(unknown.description) }
        let hint = "a text stands in single quotes: '\(name.replacing("'", with: "''"))'"
        throw fail(
          unknown.isNear ? "\(unknown.description) (\(hint))" : "\(unknown.problem); \(hint)")
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
