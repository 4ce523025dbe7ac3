import Queries

extension PlainDatabase {
  /// What a program without Elbow does to have the rows of a statement: it opens the file, prepares
  /// the statement, steps to its end and takes every column as text, and closes the file.
  ///
  /// - Parameters:
  ///   - path: the database.
  ///   - sql: one statement.
  ///   - values: of its parameters, by name; what is missing is NULL.
  /// - Returns: rows, and bytes of text.
  /// - Throws: `ElbowError`.
  package static func read(
    _ path: String, _ sql: String, _ values: [String: Value] = [:]
  ) throws -> (rows: Int, bytes: Int) {
    let database = try PlainDatabase(path)
    try database.execute("PRAGMA cache_size = -65536")
    return try database.read(sql, values)
  }

  /// What a parameter stands for.
  package enum Value: Sendable { case text(String), integer(Int64), real(Double) }
}

extension PlainDatabase.Value {
  /// A default as the catalogue has it.
  init(_ text: String, _ kind: QueryParameter.Kind) {
    switch kind {
    case .text, .run: self = .text(text)
    case .integer: self = .integer(Int64(text) ?? 0)
    case .real: self = .real(Double(text) ?? 0)
    }
  }
}
