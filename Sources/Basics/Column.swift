/// A column of a table with the type of its values, so that a mistyped name does not compile.
///
/// Views and queries name theirs in extensions, as `Column<Double>.accuracy`.
public struct Column<Value: Sendable>: Hashable, Sendable {
  /// As the query spells it.
  public let name: String

  /// The column of a name.
  public init(_ name: String) { self.name = name }
}

extension ResultTable {
  /// The cell of a named column.
  public subscript(row: Int, column: String) -> Cell {
    guard let index = columns.firstIndex(of: column) else {
      preconditionFailure("no column '\(column)' among \(columns)")
    }
    return rows[row][index]
  }

  /// The number in a column; nil where it holds none.
  public subscript(row: Int, column: Column<Double>) -> Double? {
    switch self[row, column.name] {
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// The whole number in a column; nil where it holds none.
  public subscript(row: Int, column: Column<Int>) -> Int? {
    switch self[row, column.name] {
    case .integer(let value): Int(exactly: value)
    case .real(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The text in a column; nil where it holds none.
  public subscript(row: Int, column: Column<String>) -> String? {
    if case .text(let text) = self[row, column.name] { text } else { nil }
  }
}
