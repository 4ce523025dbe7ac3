import Basics
import Foundation
import GRDB
import Queries
import Records

extension RunStore {
  /// Runs a query of the catalogue.
  ///
  /// - Parameters:
  ///   - name: as in the `Queries` folder.
  ///   - values: texts of the parameters; what is missing takes its default.
  ///   - filter: a condition over the columns of the answer.
  ///   - columns: names of those to give, in order; nil for all of the query's.
  ///   - order: names to sort by, falling where a minus stands before; nulls come last.
  ///   - limit: most rows.
  ///   - offset: rows to pass over first, of those that a limit is set to.
  /// - Throws: `ElbowError` for unknown names, missing or malformed values.
  public func query(
    _ name: String, _ values: [String: String] = [:], where filter: RowFilter? = nil,
    columns: [String]? = nil, order: [String] = [], limit: Int? = nil, offset: Int = 0
  ) throws -> ResultTable {
    let (sql, arguments) = try statement(
      name, values, where: filter, columns: columns, order: order, limit: limit, offset: offset)
    return try table(sql, arguments)
  }

  /// Runs a query of the program's own; one that has one row has it.
  ///
  /// - Parameters: as of the other `query`.
  /// - Throws: `ElbowError` for unknown names, and where a damaged file has no such row.
  package func query(
    _ handle: QueryHandle, where filter: RowFilter? = nil, columns: [String]? = nil,
    order: [String] = [], limit: Int? = nil, offset: Int = 0
  ) throws -> ResultTable {
    let table = try query(
      handle.name, handle.values, where: filter, columns: columns, order: order, limit: limit,
      offset: offset)
    if table.rows.isEmpty, filter == nil, limit == nil,
      Queries.named(handle.name)?.cardinality == .one
    {
      throw ElbowError(
        .damaged,
        "\(path): has no answer to the query '\(handle.name)', of one row; 'elbow doctor' tells whether "
          + "the file is whole")
    }
    return table
  }

  /// A query of the catalogue in SQL, with its bound values.
  ///
  /// - Parameter isOrdered: false where the order of rows means nothing, so that SQLite need not make
  ///   whole rows to put them into it.
  func statement(
    _ name: String, _ values: [String: String], where filter: RowFilter?, columns: [String]?,
    order: [String], limit: Int?, offset: Int = 0, isOrdered: Bool = true
  ) throws -> (sql: String, arguments: StatementArguments) {
    guard let query = Queries.named(name) else {
      let names = Queries.all.map(\.name)
      throw ElbowError(
        .unknownName,
        "no query '\(name)'; 'elbow query `list`' shows them" + didYouMean(name, among: names))
    }
    var arguments: [String: (any DatabaseValueConvertible)?] = [:]
    let known = query.parameters.map(\.name)
    if let unknown = values.keys.sorted().first(where: { !known.contains($0) }) {
      throw ElbowError(
        .unknownName,
        "query \(name) has no parameter '\(unknown)'"
          + (known.isEmpty ? "; it takes none" : "; it has \(known.joined(separator: ", "))")
          + didYouMean(unknown, among: known))
    }
    for parameter in query.parameters {
      guard let text = values[parameter.name] ?? parameter.fallback else {
        throw ElbowError(
          .malformed,
          "query \(name) needs \(parameter.name)=…: \(parameter.description)")
      }
      arguments[parameter.name] = try Self.value(text, parameter, query: name)
    }
    if filter == nil, columns == nil, order.isEmpty, limit == nil {
      return (isOrdered ? query.sql : query.unordered, StatementArguments(arguments))
    }
    let asked =
      (columns ?? []) + order.map { $0.hasPrefix("-") ? String($0.dropFirst()) : $0 }
      + (filter?.names ?? [])
    let names = try reading {
      try ColumnNames(
        columns: $0.cachedStatement(sql: query.sql).columnNames, asking: asked, $0)
    }
    func named(_ name: String, _ flag: String, isShown: Bool = false) throws -> String {
      func bind(_ text: String) -> String {
        let key = "name_\(arguments.count)"
        arguments[key] = text
        return ":\(key)"
      }
      do {
        return try isShown ? names.shown(name, bind: bind) : names.sql(name, bind: bind)
      } catch let unknown as UnknownName {
        throw ElbowError(.unknownName, "\(flag): \(unknown.description)")
      }
    }
    let selected = try columns?.map {
      "\(try named($0, "`columns`", isShown: true)) AS \"\($0.replacing("\"", with: "\"\""))\""
    }
    var sql =
      "SELECT \(selected?.joined(separator: ", ") ?? "*") FROM (\n\(isOrdered ? query.sql : query.unordered)\n) AS answer"
    if let filter {
      let (condition, bound) = try filter.sql(over: names)
      sql += " WHERE \(condition)"
      arguments.merge(bound) { a, _ in a }
    }
    if !order.isEmpty {
      let terms = try order.map { term in
        let falls = term.hasPrefix("-")
        let name = falls ? String(term.dropFirst()) : term
        let column = try named(name, "`sort`")
        let value = SeedOrder.holds(name) ? SeedOrder.sql(column) : column
        return "\(column) IS NULL, \(value)\(falls ? " DESC" : "")"
      }
      sql += " ORDER BY \(terms.joined(separator: ", "))"
    }
    if let limit { sql += " LIMIT \(limit) OFFSET \(offset)" }
    return (sql, StatementArguments(arguments))
  }

  /// Fields of a run's configuration that are no columns of the view `runs`.
  ///
  /// - Throws: `ElbowError`.
  public var configurationColumns: [String] {
    get throws {
      try reading {
        try ColumnNames(columns: $0.columns(in: "runs").map(\.name), asking: [], $0).parameters
      }
    }
  }

  /// Checks that names are columns of a view, and spells them as it does.
  ///
  /// - Throws: `ElbowError` for one that is none, with a suggestion.
  public func columns(_ names: [String], of view: String, flag: String) throws -> [String] {
    try reading { db in
      let known = try db.columns(in: view).map(\.name)
      return try names.map { name in
        guard let column = known.first(where: { $0.lowercased() == name.lowercased() }) else {
          throw ElbowError(
            .unknownName,
            "\(flag): no column '\(name)'" + didYouMean(name, among: known))
        }
        return column
      }
    }
  }

  /// Runs one statement that a user wrote; it can only read.
  ///
  /// - Throws: `ElbowError` for several statements, or one that could write.
  public func readOnly(_ sql: String) throws -> ResultTable {
    var table = ResultTable(columns: [], rows: [])
    try readOnly(sql) {
      table.columns = $0
    } row: {
      table.rows.append($0)
      return true
    }
    return table
  }

  /// Runs one statement that a user wrote, which can only read, and gives its rows one by one.
  ///
  /// - Parameters:
  ///   - sql: one statement.
  ///   - columns: called once, before the first row.
  ///   - row: called with every row, in order; false where no more are wanted.
  /// - Throws: `ElbowError` for several statements, or one that could write; what `columns` and `row`
  ///   throw.
  public func readOnly(
    _ sql: String, columns: ([String]) throws -> Void, row: ([Cell]) throws -> Bool
  ) throws {
    let first = sql.drop { $0.isWhitespace || $0 == "(" }.prefix { $0.isLetter }.uppercased()
    let allowed = ["SELECT", "WITH", "VALUES", "EXPLAIN"]
    guard
      allowed.contains(first) || sql.drop(while: \.isWhitespace).hasPrefix("--")
        || sql.drop(while: \.isWhitespace).hasPrefix("/*")
    else {
      throw ElbowError(
        .malformed,
        "only \(allowed.joined(separator: ", ")) statements can be run here; the database is read, "
          + "never written")
    }
    try rows { db in
      let statements = try db.allStatements(sql: sql)
      guard let statement = try statements.next() else {
        throw ElbowError(.malformed, "there is no statement in '\(sql)'")
      }
      guard statement.isReadonly, statement.columnCount > 0 else {
        throw ElbowError(.malformed, "only statements that read can be run here")
      }
      guard try statements.next() == nil else {
        throw ElbowError(.malformed, "one statement at a time, please")
      }
      return try (statement.columnNames, Row.fetchCursor(statement))
    } columns: {
      try columns($0)
    } row: {
      try row($0)
    }
  }

  private func table(_ sql: String, _ arguments: StatementArguments) throws -> ResultTable {
    try reading { db in
      let statement = try db.cachedStatement(sql: sql)
      try statement.setArguments(arguments)
      return try statement.table(db)
    }
  }

  /// A row's values in order.
  static func cells(_ row: Row) -> [Cell] {
    row.databaseValues.map { value in
      switch value.storage {
      case .null: .null
      case .int64(let integer): .integer(integer)
      case .double(let real): .real(real)
      case .string(let text): .text(text)
      case .blob(let data): .blob([UInt8](data))
      }
    }
  }

  private static func value(
    _ text: String, _ parameter: QueryParameter, query: String
  ) throws -> any DatabaseValueConvertible {
    switch parameter.kind {
    case .text, .run: return text
    case .integer: if let value = Int64(text) { return value }
    case .real: if let value = Double(text) { return value }
    }
    throw ElbowError(
      .malformed,
      "parameter \(parameter.name) of query \(query) must be \(parameter.kind.rawValue), got "
        + "'\(text)'")
  }
}
