import Basics
import Foundation
import GRDB
import GRDBSQLite
import Records

extension Statement {
  /// All rows, read from SQLite's own columns: tables of ten thousand runs are not boxed first.
  ///
  /// - Throws: `DatabaseError`.
  func table(_ db: Database) throws -> ResultTable {
    let handle = sqliteStatement
    defer { sqlite3_reset(handle) }
    let columns = 0..<Int32(columnCount)
    var rows: [[Cell]] = []
    while true {
      switch sqlite3_step(handle) {
      case SQLITE_ROW:
        let above = rows.last
        rows.append(columns.map { Self.cell(handle, $0, above: above?[Int($0)]) })
      case SQLITE_DONE: return ResultTable(columns: columnNames, rows: rows)
      default:
        throw DatabaseError(
          resultCode: ResultCode(rawValue: sqlite3_extended_errcode(db.sqliteConnection)),
          message: db.lastErrorMessage, sql: sql)
      }
    }
  }

  /// Whether two texts are the same, and too long for a `String` to hold without memory of its own.
  private static func isWorthSharing(_ value: String, with text: UnsafeRawBufferPointer) -> Bool {
    guard text.count > 15, value.utf8.count == text.count, let base = text.baseAddress else {
      return false
    }
    return value.utf8.withContiguousStorageIfAvailable { known in
      known.baseAddress.map { memcmp($0, base, text.count) == 0 } ?? false
    } ?? false
  }

  /// - Parameter above: the cell of the row before; where it is the same text, the two share it.
  private static func cell(_ handle: SQLiteStatement, _ column: Int32, above: Cell?) -> Cell {
    /// Valid until the next step.
    func bytes(_ base: UnsafeRawPointer?) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, column)))
    }
    switch sqlite3_column_type(handle, column) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(handle, column))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(handle, column))
    case SQLITE_TEXT:
      let text = bytes(sqlite3_column_text(handle, column))
      if let above, case .text(let value) = above, Self.isWorthSharing(value, with: text) {
        return above
      }
      return .text(String(decoding: text, as: UTF8.self))
    case SQLITE_BLOB: return .blob([UInt8](bytes(sqlite3_column_blob(handle, column))))
    default: return .null
    }
  }
}
