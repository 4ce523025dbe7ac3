/// One value of a query's answer, as SQLite types it.
public enum Cell: Hashable, Sendable {
  /// What is missing.
  case null
  /// A whole number.
  case integer(Int64)
  /// Any other number.
  case real(Double)
  /// Text in UTF-8.
  case text(String)
  /// Bytes.
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
