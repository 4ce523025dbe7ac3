import GRDB
import GRDBSQLite

/// A prepared INSERT whose values are bound in place: rows by the million are not boxed first.
///
/// Values stay bound from row to row, so that what rows have in common is bound once. Valid within
/// the transaction that it is made in.
struct Insertion {
  private let statement: Statement
  private let handle: SQLiteStatement
  private let db: Database

  /// Prepares `sql`, with a `?` for each value, or takes it prepared from the connection's cache.
  init(_ sql: String, _ db: Database) throws {
    statement = try db.cachedStatement(sql: sql)
    handle = statement.sqliteStatement
    self.db = db
    sqlite3_clear_bindings(handle)
  }

  /// Binds the value at `index`, from 1; nil is NULL.
  func bind(_ index: Int32, _ value: Int?) {
    if let value {
      sqlite3_bind_int64(handle, index, Int64(value))
    } else {
      sqlite3_bind_null(handle, index)
    }
  }

  /// Binds the value at `index`, from 1; nil and NaN are NULL.
  func bind(_ index: Int32, _ value: Double?) {
    if let value {
      sqlite3_bind_double(handle, index, value)
    } else {
      sqlite3_bind_null(handle, index)
    }
  }

  /// Binds the value at `index`, from 1; nil is NULL.
  func bind(_ index: Int32, _ text: String?) {
    if let text {
      sqlite3_bind_text(handle, index, text, -1, Self.copied)
    } else {
      sqlite3_bind_null(handle, index)
    }
  }

  /// Binds the value at `index`, from 1: the values as they lie in memory, little-endian; nil is NULL.
  func bind<Value: BitwiseCopyable>(_ index: Int32, _ values: [Value]?) {
    guard let values else {
      sqlite3_bind_null(handle, index)
      return
    }
    _ = values.withUnsafeBytes { bytes in
      // A null pointer would bind NULL in place of an empty blob.
      if let base = bytes.baseAddress, !bytes.isEmpty {
        return sqlite3_bind_blob64(handle, index, base, UInt64(bytes.count), Self.copied)
      }
      return sqlite3_bind_zeroblob(handle, index, 0)
    }
  }

  /// Inserts a row of what is bound.
  ///
  /// - Throws: `DatabaseError`.
  func insert() throws {
    let code = sqlite3_step(handle)
    defer { sqlite3_reset(handle) }
    guard code == SQLITE_DONE else {
      throw DatabaseError(
        resultCode: ResultCode(rawValue: sqlite3_extended_errcode(db.sqliteConnection)),
        message: db.lastErrorMessage, sql: statement.sql)
    }
  }

  /// SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies what is bound.
  private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
