import Basics
import Records

extension ResultTable {
  /// The cell of a named column.
  public subscript(row: Int, column: String) -> Cell {
    guard let index = columns.firstIndex(of: column) else {
      preconditionFailure("no column '\(column)' among \(columns)")
    }
    return rows[row][index]
  }

  /// Without a named column, where there is one.
  public func dropping(_ column: String) -> ResultTable {
    guard let index = columns.firstIndex(of: column) else { return self }
    func drop<T>(_ values: [T]) -> [T] { Array(values[..<index] + values[(index + 1)...]) }
    return ResultTable(columns: drop(columns), rows: rows.map(drop))
  }

  /// Without the columns that say the same of every row, where there are several rows.
  public var changed: ResultTable {
    guard rows.count > 1 else { return self }
    return columns.reduce(self) { table, column in
      Set(table.rows.indices.map { table[$0, column] }).count > 1 ? table : table.dropping(column)
    }
  }

  /// With another column at the right.
  ///
  /// - Parameter cells: one a row.
  public func appending(_ column: String, _ cells: [Cell]) -> ResultTable {
    precondition(cells.count == rows.count, "\(cells.count) cells for \(rows.count) rows")
    return ResultTable(columns: columns + [column], rows: zip(rows, cells).map { $0 + [$1] })
  }

  /// Without as many of `dispensable`, the first to go first, as it takes to fit `width` characters.
  ///
  /// - Parameter width: nil: no bound.
  public func fitting(_ width: Int?, dispensable: [String]) -> ResultTable {
    guard let width else { return self }
    return dispensable.reduce(self) { table, column in
      TableFormat.width(table) > width ? table.dropping(column) : table
    }
  }
}
