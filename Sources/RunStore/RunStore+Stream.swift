import Basics
import GRDB
import Records

/// Answers too long for the memory.
extension RunStore {
  /// Runs a query of the catalogue and gives its rows one by one.
  ///
  /// - Parameters:
  ///   - name: as in the `Queries` folder.
  ///   - values: texts of the parameters; what is missing takes its default.
  ///   - columns: names of those to give, in order; nil for all of the query's.
  ///   - limit: most rows.
  ///   - body: called with every row, in order.
  /// - Throws: as `query`, and what `body` throws.
  public func stream(
    _ name: String, _ values: [String: String] = [:], columns: [String]? = nil, limit: Int? = nil,
    _ body: ([Cell]) throws -> Void
  ) throws {
    let (sql, arguments) = try statement(
      name, values, where: nil, columns: columns, order: [], limit: limit)
    // The caller's error is not the database's.
    var failure: (any Error)?
    try reading { db in
      let cursor = try Row.fetchCursor(db, sql: sql, arguments: arguments)
      while let row = try cursor.next() {
        do { try body(Self.cells(row)) } catch {
          failure = error
          return
        }
      }
    }
    if let failure { throw failure }
  }

  /// Names of the columns that a query of the catalogue answers with.
  ///
  /// - Throws: `ElbowError` for an unknown query.
  public func columns(ofQuery name: String, _ values: [String: String] = [:]) throws -> [String] {
    let (sql, _) = try statement(
      name, values, where: nil, columns: nil, order: [], limit: nil)
    return try reading { try $0.makeStatement(sql: sql).columnNames }
  }

  /// Number of rows that a query of the catalogue answers with.
  ///
  /// - Throws: as `query`.
  public func count(
    _ name: String, _ values: [String: String] = [:], where filter: RowFilter? = nil
  ) throws -> Int {
    let (sql, arguments) = try statement(
      name, values, where: filter, columns: nil, order: [], limit: nil)
    return try reading {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM (\n\(sql)\n)", arguments: arguments) ?? 0
    }
  }
}
