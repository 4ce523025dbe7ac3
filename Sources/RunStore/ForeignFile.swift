import Basics
import GRDB

/// An SQLite file that another program keeps, opened for reading.
package struct ForeignFile {
  /// Names of its tables.
  package let tables: Set<String>
  private let path: String
  private let queue: DatabaseQueue

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - needed: tables without which it is another's.
  /// - Throws: `ElbowError` where it cannot be read, is no SQLite file, or lacks a table.
  package init(_ path: String, having needed: [String]) throws {
    let file = DatabaseFile(path)
    try file.check()
    guard file.exists else { throw ElbowError(.missing, "\(path): no such file") }
    self.path = path
    do {
      queue = try DatabaseQueue(
        path: file.readonly, configuration: Connection.settings(readonly: true))
      tables = try queue.read {
        try Set(String.fetchAll($0, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'"))
      }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
      throw ElbowError(.damaged, "\(path): is no SQLite file")
    } catch { throw ElbowError(error, file: path) }
    if let missing = needed.first(where: { !tables.contains($0) }) {
      throw ElbowError(.damaged, "\(path): has no table '\(missing)': it is another program's file")
    }
  }

  /// Columns of a table.
  ///
  /// - Throws: `ElbowError`.
  package func columns(of table: String) throws -> Set<String> {
    do { return try queue.read { try Set($0.columns(in: table).map(\.name)) } } catch {
      throw ElbowError(error, file: path)
    }
  }

  /// Gives the rows that a statement answers with.
  ///
  /// - Parameters:
  ///   - sql: one statement, which reads.
  ///   - values: what stands for its question marks.
  ///   - body: called with every row.
  /// - Throws: `ElbowError`, and what `body` throws.
  package func forEachRow(
    _ sql: String, _ values: [String] = [], _ body: ([Cell]) throws -> Void
  ) throws {
    var failure: (any Error)?
    do {
      try queue.read { db in
        let rows = try Row.fetchCursor(db, sql: sql, arguments: StatementArguments(values))
        while let row = try rows.next() {
          do { try body(RunStore.cells(row)) } catch {
            failure = error
            return
          }
        }
      }
    } catch { throw ElbowError(error, file: path) }
    if let failure { throw failure }
  }

  /// Texts by texts: the second column by the first.
  ///
  /// - Throws: as `forEachRow`.
  package func pairs(_ sql: String, _ values: [String] = []) throws -> [String: String] {
    try lists(sql, values).compactMapValues(\.last)
  }

  /// Every text of the second column by the first.
  ///
  /// - Throws: as `forEachRow`.
  package func lists(_ sql: String, _ values: [String] = []) throws -> [String: [String]] {
    var lists: [String: [String]] = [:]
    try forEachRow(sql, values) { row in
      if let key = Self.text(row[0]), let value = Self.text(row[1]) {
        lists[key, default: []].append(value)
      }
    }
    return lists
  }

  private static func text(_ cell: Cell) -> String? {
    switch cell {
    case .text(let text): text
    case .integer(let number): "\(number)"
    case .real(let number): "\(number)"
    case .null, .blob: nil
    }
  }
}
