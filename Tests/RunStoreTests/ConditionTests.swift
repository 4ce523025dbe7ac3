import Basics
import RunStore
import Testing

/// Conditions as deep and as long as anybody writes them.
@Suite struct ConditionTests {
  private static let values: [Cell] = [.integer(0), .integer(1), .null]
  private static let rows: [[Cell]] = values.flatMap { a in
    (0..<3).map { b -> [Cell] in [a, .integer(Int64(b))] }
  }
  private static let table = ResultTable(columns: ["a", "b"], rows: rows)

  private func matches(_ text: String) throws -> [Bool] {
    try RowFilter(text).matches(Self.table)
  }

  @Test func depthAndLengthAreNoTrouble() throws {
    let expected = try matches("a = 1")
    #expect(expected.filter(\.self).count == 3)
    let parentheses =
      String(repeating: "(", count: 100) + "a = 1" + String(repeating: ")", count: 100)
    #expect(try matches(parentheses) == expected)
    #expect(try matches(String(repeating: "NOT ", count: 10_000) + "a = 1") == expected)
    #expect(
      try matches("a = 1" + String(repeating: " OR a = 1", count: 3000)) == expected)
    #expect(
      try matches("a = 1" + String(repeating: " AND (a = 1 OR b = 9)", count: 1000)) == expected)
    let alternating =
      String(repeating: "(b = 9 OR (a = 1 AND ", count: 20) + "a = 1"
      + String(repeating: "))", count: 20)
    #expect(try matches(alternating) == expected)
  }

  @Test func whatIsTooMuchIsSaid() throws {
    func message(_ text: String) throws -> ElbowError {
      try #require(throws: ElbowError.self) { try matches(text) }
    }
    for text in [
      String(repeating: "(", count: 200_000) + "a = 1",
      String(repeating: "(", count: 5000) + "a = 1" + String(repeating: ")", count: 5000),
      "a = 1" + String(repeating: " OR a = 1", count: 100_000),
      String(repeating: "(b = 9 OR (a = 1 AND ", count: 40) + "a = 1"
        + String(repeating: "))", count: 40),
      "a LIKE '" + String(repeating: "x", count: 1001) + "'",
    ] {
      let error = try message(text)
      #expect(error.code == .malformed && !error.message.contains("SQLite"), "\(error)")
      #expect(error.message.utf8.count < 500)
    }
  }

  /// Random conditions mean what they say: against three-valued logic in Swift.
  @Test func randomConditionsAreRight() throws {
    indirect enum Condition {
      case a(Int), b(Int), not(Condition), all([Condition]), any([Condition])

      var text: String {
        switch self {
        case .a(let n): "a = \(n)"
        case .b(let n): "b = \(n)"
        case .not(let c): "NOT (\(c.text))"
        case .all(let list): "(" + list.map(\.text).joined(separator: " AND ") + ")"
        case .any(let list): "(" + list.map(\.text).joined(separator: " OR ") + ")"
        }
      }

      /// nil: unknown.
      func holds(_ row: [Cell]) -> Bool? {
        switch self {
        case .a(let n): return row[0] == .null ? nil : row[0] == .integer(Int64(n))
        case .b(let n): return row[1] == .integer(Int64(n))
        case .not(let inner): return inner.holds(row).map { !$0 }
        case .all(let list): return Self.first(false, of: list, row)
        case .any(let list): return Self.first(true, of: list, row)
        }
      }

      /// `decisive` where any is that, else unknown where any is, else the other.
      static func first(_ decisive: Bool, of list: [Condition], _ row: [Cell]) -> Bool? {
        let values: [Bool?] = list.map { $0.holds(row) }
        if values.contains(decisive) { return decisive }
        return values.contains(nil) ? nil : !decisive
      }

      static func random(_ depth: Int) -> Condition {
        switch depth == 0 ? Int.random(in: 0...1) : Int.random(in: 0...4) {
        case 0: .a(.random(in: 0...3))
        case 1: .b(.random(in: 0...3))
        case 2: .not(random(depth - 1))
        case 3: .all((0..<Int.random(in: 1...11)).map { _ in random(depth - 1) })
        default: .any((0..<Int.random(in: 1...11)).map { _ in random(depth - 1) })
        }
      }
    }
    for _ in 0..<300 {
      let condition = Condition.random(3)
      let expected = Self.table.rows.map { condition.holds($0) ?? false }
      #expect(try matches(condition.text) == expected, "\(condition.text)")
    }
  }

  /// Where nothing is near, a message is not buried under the names of all columns, and a name that
  /// something is held against was meant as a text.
  @Test func columnsAreNotListedByTheDozen() throws {
    let wide = ResultTable(
      columns: (0..<30).map { "column\($0)" }, rows: [(0..<30).map { .integer($0) }])
    func message(_ text: String) throws -> String {
      try #require(throws: ElbowError.self) { try RowFilter(text).matches(wide) }.message
    }
    #expect(try message("zzzz = 1").hasSuffix("column10, column11 and 18 more"))
    #expect(
      try message("column1 = zzzz").hasSuffix(
        "no column 'zzzz'; a text stands in single quotes: 'zzzz'"))
  }
}
