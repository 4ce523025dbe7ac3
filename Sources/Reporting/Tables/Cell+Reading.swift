import Basics
import Foundation
import Records

extension Cell {
  /// What stands for nothing in texts to read.
  public static let missing = "–"

  /// A measured value that is not a number, as tables hold it.
  ///
  /// SQLite stores NaN as NULL, so that a query cannot give it back; and a NaN that is a `real`
  /// differs from itself, which no column should.
  public static let notANumber = Cell.text("NaN")

  /// The value in plain text, for programs to read: reals with all their digits, `NaN`, `Infinity`
  /// and `-Infinity`; blobs in hexadecimal.
  ///
  /// - Parameter null: for what is missing; nothing in CSV.
  public func text(null: String) -> String {
    switch self {
    case .null: null
    case .integer(let value): "\(value)"
    case .real(let value):
      value.isFinite
        ? JSONValue.canonical(number: value)
        : value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
    case .text(let value): value
    case .blob(let bytes): bytes.map { String(format: "%02x", $0) }.joined()
    }
  }

  /// The value for people: `–` for what is missing, `NaN`, `∞` and `-∞`.
  ///
  /// - Parameter short: six significant digits instead of all.
  package func reading(short: Bool) -> String {
    switch self {
    case .real(let value) where value.isInfinite: value > 0 ? "∞" : "-∞"
    case .real(let value) where short && value.isFinite: TableFormat.short(value)
    default: text(null: Self.missing)
    }
  }

  /// As a number; nil for texts, blobs and null.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// As a text; nil for everything else.
  public var string: String? {
    if case .text(let value) = self { value } else { nil }
  }
}

extension ResultTable {
  /// With NaN where a measured value is NULL, which is how SQLite stores NaN.
  ///
  /// - Parameters:
  ///   - columns: of measured values; those that the table lacks do not matter.
  ///   - count: column that holds how many values there are, of rows that may have none; null or 0
  ///     there leaves the row's values missing. nil: each row was measured.
  public func namingNaN(in columns: some Sequence<String>, counted count: String? = nil)
    -> ResultTable
  {
    let values = columns.compactMap(self.columns.firstIndex)
    let counts = count.flatMap(self.columns.firstIndex)
    var table = self
    for row in rows.indices where counts.map({ (rows[row][$0].number ?? 0) > 0 }) ?? true {
      for column in values where rows[row][column] == .null {
        table.rows[row][column] = .notANumber
      }
    }
    return table
  }
}
