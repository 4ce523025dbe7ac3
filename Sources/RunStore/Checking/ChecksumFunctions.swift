import Basics
import Foundation
import GRDB
import GRDBSQLite

/// Functions of Elbow's own connections that checks are written with.
///
/// `elbow_checksum(value, …)` is of all rows, order aside: the sum of their checksums modulo 2⁶⁴, NULL
/// of none; `elbow_row_checksum(value, …)` is of one. `elbow_sha256(value)` is of a text's or blob's
/// bytes, as hexadecimal digits. Values are read where SQLite has them: rows come by the million.
package enum ChecksumFunctions {
  /// Makes the functions on a connection.
  package static func install(in db: Database) {
    let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY
    sqlite3_create_function_v2(
      db.sqliteConnection, "elbow_checksum", -1, flags, nil, nil,
      { context, count, values in
        guard let sum = ChecksumFunctions.sum(context, size: MemoryLayout<RowSum>.size) else {
          return sqlite3_result_error_nomem(context)
        }
        sum.pointee.value &+= ChecksumFunctions.checksum(count, values)
        sum.pointee.rows &+= 1
      },
      { context in
        guard let sum = ChecksumFunctions.sum(context, size: 0), sum.pointee.rows > 0 else {
          return sqlite3_result_null(context)
        }
        sqlite3_result_int64(context, Int64(bitPattern: sum.pointee.value))
      }, nil)
    sqlite3_create_function_v2(
      db.sqliteConnection, "elbow_row_checksum", -1, flags, nil,
      { context, count, values in
        sqlite3_result_int64(
          context, Int64(bitPattern: ChecksumFunctions.checksum(count, values)))
      }, nil, nil, nil)
    db.add(function: sha256)
  }

  /// What an aggregate keeps between rows, in memory that SQLite has zeroed.
  private struct RowSum {
    var value: UInt64
    var rows: Int
  }

  private static func sum(_ context: OpaquePointer?, size: Int) -> UnsafeMutablePointer<RowSum>? {
    sqlite3_aggregate_context(context, Int32(size))?.assumingMemoryBound(to: RowSum.self)
  }

  private static func checksum(
    _ count: Int32, _ values: UnsafeMutablePointer<OpaquePointer?>?
  ) -> UInt64 {
    var checksum = Checksum()
    for index in 0..<Int(count) { add(values?[index], to: &checksum) }
    return checksum.value
  }

  private static func add(_ value: OpaquePointer?, to checksum: inout Checksum) {
    switch sqlite3_value_type(value) {
    case SQLITE_INTEGER: checksum.add(.integer(sqlite3_value_int64(value)))
    case SQLITE_FLOAT: checksum.add(.real(sqlite3_value_double(value)))
    case SQLITE_TEXT:
      checksum.add(3)
      // The pointer first: asking for it can change the number of bytes.
      let start = sqlite3_value_text(value)
      checksum.add(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))))
    case SQLITE_BLOB:
      checksum.add(4)
      let start = sqlite3_value_blob(value)
      checksum.add(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))))
    default: checksum.add(.null)
    }
  }

  private static let sha256 = DatabaseFunction("elbow_sha256", argumentCount: 1, pure: true) {
    arguments in
    switch arguments[0].storage {
    case .string(let text): SHA256.hexDigest(of: text)
    case .blob(let data): SHA256.hexDigest(of: [UInt8](data))
    default: nil
    }
  }
}
