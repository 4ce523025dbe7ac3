import Basics
import Records

extension ResultTable {
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
  /// - Parameters:
  ///   - column: its name.
  ///   - cells: one a row.
  public func appending(_ column: String, _ cells: [Cell]) -> ResultTable {
    inserting(column, cells, at: columns.count)
  }

  /// With another column before a named one, or at the right where that is missing.
  func inserting(_ column: String, _ cells: [Cell], before other: String) -> ResultTable {
    inserting(column, cells, at: columns.firstIndex(of: other) ?? columns.count)
  }

  /// With another column at a place.
  func inserting(_ column: String, _ cells: [Cell], at index: Int) -> ResultTable {
    precondition(cells.count == rows.count, "\(cells.count) cells for \(rows.count) rows")
    var table = self
    table.columns.insert(column, at: index)
    for (row, cell) in cells.enumerated() { table.rows[row].insert(cell, at: index) }
    return table
  }
}
