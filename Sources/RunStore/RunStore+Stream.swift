import Basics
import Dispatch
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
    try stream(name, values, where: nil, only: columns, limit: limit) { _ in
    } row: {
      try body($0)
      return true
    }
  }

  /// Runs a query of the catalogue and gives its rows one by one.
  ///
  /// - Parameters:
  ///   - name: as in the `Queries` folder.
  ///   - values: texts of the parameters; what is missing takes its default.
  ///   - filter: a condition over the columns of the answer.
  ///   - names: of the columns to give, in order; nil for all of the query's.
  ///   - limit: most rows.
  ///   - columns: called once, before the first row.
  ///   - row: called with every row, in order; false where no more are wanted.
  /// - Throws: as `query`, and what `columns` and `row` throw.
  public func stream(
    _ name: String, _ values: [String: String] = [:], where filter: RowFilter?,
    only names: [String]? = nil, limit: Int? = nil, columns: ([String]) throws -> Void,
    row: ([Cell]) throws -> Bool
  ) throws {
    let (sql, arguments) = try statement(
      name, values, where: filter, columns: names, order: [], limit: limit)
    try rows { db in
      let statement = try db.makeStatement(sql: sql)
      try statement.setArguments(arguments)
      return try (statement.columnNames, Row.fetchCursor(statement))
    } columns: {
      try columns($0)
    } row: {
      try row($0)
    }
  }

  /// Gives what a statement answers; the caller's errors are not the database's.
  func rows(
    of prepare: (Database) throws -> (columns: [String], rows: RowCursor),
    columns: ([String]) throws -> Void, row: ([Cell]) throws -> Bool
  ) throws {
    var failure: (any Error)?
    try reading { db in
      let answer = try prepare(db)
      do { try columns(answer.columns) } catch {
        failure = error
        return
      }
      while let next = try answer.rows.next() {
        do {
          guard try row(Self.cells(next)) else { return }
        } catch {
          failure = error
          return
        }
      }
    }
    if let failure { throw failure }
  }

  /// Runs `body`, which reads, and stops what it asks of the database when its time is up.
  ///
  /// - Parameters:
  ///   - time: nil: as long as it takes.
  ///   - body: what reads.
  /// - Throws: what `body` throws; `ElbowError` with the code `late` where it was stopped.
  public func within<R>(_ time: Duration?, _ body: () throws -> R) throws -> R {
    guard let time else { return try body() }
    let turns = DispatchQueue(label: "elbow.time-limit")
    let clock = DispatchSource.makeTimerSource(queue: turns)
    // Again and again: what is interrupted before it begins runs on.
    clock.schedule(deadline: .now() + time.seconds, repeating: .milliseconds(20))
    clock.setEventHandler { [database] in database.interrupt() }
    clock.resume()
    defer {
      clock.cancel()
      // What is asked next is not stopped by an interruption under way.
      turns.sync {}
    }
    return try body()
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
      name, values, where: filter, columns: nil, order: [], limit: nil, isOrdered: false)
    return try reading {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM (\n\(sql)\n)", arguments: arguments) ?? 0
    }
  }
}
