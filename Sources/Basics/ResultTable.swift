/// One value of a query's answer, as SQLite types it.
public enum Cell: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])
}

/// The answer to a query: named columns, rows in order.
public struct ResultTable: Hashable, Sendable {
  /// Column names, in order.
  public var columns: [String]
  /// **Shape** `[rows][columns.count]`.
  public var rows: [[Cell]]

  /// The table as given.
  public init(columns: [String], rows: [[Cell]]) {
    for row in rows {
      precondition(
        row.count == columns.count, "row has \(row.count) cells, table has \(columns.count) columns"
      )
    }
    self.columns = columns
    self.rows = rows
  }
}
