/// A condition as it is meant: parentheses that change nothing are gone.
///
/// SQLite's parser and its trees are bounded in depth; written from here, a condition is as deep as
/// its alternation of AND and OR, and no deeper for its length.
indirect enum ConditionTree {
  /// A comparison in SQL.
  case leaf(String)
  /// NULL counts as SQLite counts it.
  case negated(ConditionTree)
  /// Several, all of which hold, or any.
  case several([ConditionTree], word: String, depth: Int)

  /// Deepest alternation that SQLite's parser has room for.
  static let deepest = 40

  /// All of some conditions.
  static func all(_ parts: [ConditionTree]) -> ConditionTree { joined(parts, "AND") }

  /// Any of some conditions.
  static func any(_ parts: [ConditionTree]) -> ConditionTree { joined(parts, "OR") }

  /// None of it.
  static func not(_ condition: ConditionTree) -> ConditionTree {
    if case .negated(let inner) = condition { inner } else { .negated(condition) }
  }

  private static func joined(_ parts: [ConditionTree], _ word: String) -> ConditionTree {
    if parts.count == 1 { return parts[0] }
    let flat = parts.flatMap { part -> [ConditionTree] in
      if case .several(let inner, word, _) = part { inner } else { [part] }
    }
    return .several(flat, word: word, depth: 1 + (flat.map(\.depth).max() ?? 0))
  }

  /// How often AND, OR and NOT stand in one another.
  var depth: Int {
    switch self {
    case .leaf: 0
    case .negated(let inner): 1 + inner.depth
    case .several(_, _, let depth): depth
    }
  }

  /// In SQL.
  var sql: String {
    switch self {
    case .leaf(let sql): return sql
    case .negated(let inner): return "NOT (\(inner.sql))"
    case .several(let parts, let word, _):
      // What is deepest comes first: the parser then has nothing else on its stack.
      let deepestFirst = parts.enumerated().sorted {
        ($0.element.depth, -$0.offset) > ($1.element.depth, -$1.offset)
      }
      return Self.balanced(deepestFirst.map { $0.element.operand }[...], " \(word) ")
    }
  }

  private var operand: String {
    if case .several = self { "(\(sql))" } else { sql }
  }

  /// Joined so that the tree of a long chain is no deeper than its logarithm.
  private static func balanced(_ parts: ArraySlice<String>, _ word: String) -> String {
    guard parts.count > 8 else { return parts.joined(separator: word) }
    let middle = parts.startIndex + parts.count / 2
    return "(\(balanced(parts[..<middle], word)))\(word)(\(balanced(parts[middle...], word)))"
  }
}
