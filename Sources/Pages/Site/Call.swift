import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore

/// A request on its way to a page: what its address says, and where the answer lies.
struct Call {
  let request: Request
  /// What stands in the path in place of the route's braces.
  let values: [String: String]
  let store: RunStore
  let archive: Archive
  /// The reader's place in time.
  let times: TimeDisplay

  /// Most rows of a table where nothing is said.
  static let usualLimit = 1000
  /// Most rows of a table.
  static let largestLimit = 100_000
  /// Most rows to pass over.
  static let largestOffset = 1_000_000_000

  var query: Query { request.query }

  /// A value of the query; nil where there is none.
  subscript(name: String) -> String? { query[name] }

  /// A part of the path.
  func part(_ name: String) -> String { values[name] ?? "" }

  /// The run that the path names, as a full id.
  ///
  /// - Throws: `ElbowError` where there is none.
  func run() throws -> String { try store.runID(part("run")) }

  /// The runs that the query names, as full ids: `run` may be repeated, and a group stands for its runs.
  ///
  /// - Throws: `ElbowError` for one that is none.
  func runs() throws -> [String] { try store.runIDs(query.all("run")) }

  /// A whole number of the query.
  ///
  /// - Throws: `ElbowError` for what is none, or out of range.
  func number(_ name: String, in range: ClosedRange<Int>, usual: Int) throws -> Int {
    guard let text = self[name] else { return usual }
    guard let number = Int(text), range.contains(number) else {
      throw ElbowError(
        .malformed,
        "`\(name)` must be a whole number from \(range.lowerBound) to \(range.upperBound), got "
          + "'\(text)'")
    }
    return number
  }

  /// Whether something is asked for.
  ///
  /// - Throws: `ElbowError` for what is neither yes nor no.
  func flag(_ name: String) throws -> Bool {
    guard let text = self[name] else { return false }
    guard let isSet = Bool(text) else {
      throw ElbowError(.malformed, "`\(name)` must be true or false, got '\(text)'")
    }
    return isSet
  }

  /// A number of the query; nil where there is none.
  ///
  /// - Throws: `ElbowError` for what is none.
  func real(_ name: String) throws -> Double? {
    guard let text = self[name] else { return nil }
    guard let number = Double(text), number.isFinite, number >= 0 else {
      throw ElbowError(.malformed, "`\(name)` must be a number that is not negative, got '\(text)'")
    }
    return number
  }

  /// Most rows.
  var limit: Int {
    get throws { try number("limit", in: 1...Self.largestLimit, usual: Self.usualLimit) }
  }

  /// Rows to pass over.
  var offset: Int { get throws { try number("offset", in: 0...Self.largestOffset, usual: 0) } }

  /// The conditions of the query; nil where there are none.
  ///
  /// - Throws: `ElbowError` for what is out of form.
  func filter() throws -> RowFilter? {
    let filters = [
      try self["where"].map(RowFilter.init), try self["started"].map { try RowFilter.started($0) },
      try self["status"].map(RowFilter.status),
    ].compactMap(\.self)
    return filters.dropFirst().reduce(filters.first) { $0?.and($1) }
  }

  /// The rows of a query that are asked for, and one more where there are more.
  ///
  /// - Throws: `ElbowError`.
  func rows(_ handle: QueryHandle, where filter: RowFilter? = nil) throws -> ResultTable {
    try store.query(handle, where: filter, limit: limit + 1, offset: offset)
  }

  /// The same of a table that is there already.
  ///
  /// - Throws: `ElbowError`.
  func rows(of table: ResultTable) throws -> ResultTable {
    ResultTable(
      columns: table.columns, rows: Array(try table.rows.dropFirst(offset).prefix(limit + 1)))
  }

  /// A command line that answers the same.
  ///
  /// - Parameters:
  ///   - words: the command; texts of others are quoted.
  ///   - options: flags with their values; those without one are left out.
  func command(_ words: [String], _ options: [(flag: String, value: String?)] = []) -> String {
    let flags = options.flatMap { flag, value in value.map { [flag, $0.shellWord] } ?? [] }
    return (["elbow"] + words.map(\.shellWord) + flags).joined(separator: " ") + archive.flag
  }
}
