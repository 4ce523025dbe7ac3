import Basics
import GRDBSQLite
import RunStore

/// SQLite by its own C API: prepared statements, values bound by position, nothing between.
///
/// What the store is measured against.
package final class PlainDatabase {
  /// SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies what is bound.
  package static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  private var handle: OpaquePointer?
  private let path: String

  /// Opens, or makes, a file.
  ///
  /// - Throws: `ElbowError`, here and below.
  package init(_ path: String) throws {
    self.path = path
    // As the store's connections: one thread at a time, which needs no locks.
    try check(
      sqlite3_open_v2(
        path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil))
  }

  deinit { sqlite3_close_v2(handle) }

  /// Runs statements without values.
  package func execute(_ sql: String) throws { try check(sqlite3_exec(handle, sql, nil, nil, nil)) }

  /// Runs `sql` as often as `rows` says, a transaction every `size` rows.
  ///
  /// - Parameter bind: binds the values of a row, positions counting from 1.
  package func insert(
    _ sql: String, rows: Int, transaction size: Int, bind: (OpaquePointer?, Int) -> Void
  ) throws {
    var statement: OpaquePointer?
    try check(sqlite3_prepare_v2(handle, sql, -1, &statement, nil))
    defer { sqlite3_finalize(statement) }
    for row in 0..<rows {
      if row % size == 0 { try execute("BEGIN IMMEDIATE") }
      bind(statement, row)
      guard sqlite3_step(statement) == SQLITE_DONE else { throw failure }
      sqlite3_reset(statement)
      if row % size == size - 1 || row == rows - 1 { try execute("COMMIT") }
    }
  }

  /// Steps through all rows, each column taken as text.
  func read(_ sql: String, _ values: [String: Value]) throws -> (rows: Int, bytes: Int) {
    var statement: OpaquePointer?
    try check(sqlite3_prepare_v2(handle, sql, -1, &statement, nil))
    defer { sqlite3_finalize(statement) }
    for (name, value) in values {
      let index = sqlite3_bind_parameter_index(statement, ":\(name)")
      switch value {
      case .text(let text): sqlite3_bind_text(statement, index, text, -1, Self.copied)
      case .integer(let integer): sqlite3_bind_int64(statement, index, integer)
      case .real(let real): sqlite3_bind_double(statement, index, real)
      }
    }
    let columns = 0..<sqlite3_column_count(statement)
    var (rows, bytes) = (0, 0)
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW:
        rows += 1
        for column in columns where sqlite3_column_text(statement, column) != nil {
          bytes += Int(sqlite3_column_bytes(statement, column))
        }
      case SQLITE_DONE: return (rows, bytes)
      default: throw failure
      }
    }
  }

  private func check(_ code: Int32) throws { if code != SQLITE_OK { throw failure } }

  private var failure: ElbowError {
    ElbowError(.inaccessible, "\(path): \(String(cString: sqlite3_errmsg(handle)))")
  }
}
