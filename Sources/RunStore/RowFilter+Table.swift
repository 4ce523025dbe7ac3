import Basics
import Foundation
import GRDB
import Records

extension RowFilter {
  /// Which rows of a table meet the condition; names are the table's columns.
  ///
  /// - Throws: `ElbowError` for unknown columns and malformed conditions.
  public func matches(_ table: ResultTable) throws -> [Bool] {
    do { return try matches(table.columns, table.rows) } catch let error as DatabaseError {
      throw Self.fail(place, error.message ?? "SQLite cannot answer it")
    }
  }

  private func matches(_ columns: [String], _ rows: [[Cell]]) throws -> [Bool] {
    func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
    return try DatabaseQueue(configuration: Connection.settings()).write { db in
      try db.execute(
        sql: "CREATE TABLE answer (\(columns.map(quoted).joined(separator: ", ")))")
      let places = columns.map { _ in "?" }.joined(separator: ", ")
      let insert = try db.makeStatement(sql: "INSERT INTO answer VALUES (\(places))")
      for row in rows {
        try insert.execute(arguments: StatementArguments(row.map(Self.value)))
      }
      let (condition, arguments) = try sql(
        over: ColumnNames(columns: columns, asking: names, db))
      return try Bool.fetchAll(
        db, sql: "SELECT coalesce(\(condition), 0) FROM answer ORDER BY rowid",
        arguments: StatementArguments(arguments))
    }
  }

  private static func value(_ cell: Cell) -> (any DatabaseValueConvertible)? {
    switch cell {
    case .null: nil
    case .integer(let value): value
    case .real(let value): value
    case .text(let value): value
    case .blob(let bytes): Data(bytes)
    }
  }
}
