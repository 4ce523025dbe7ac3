import ArgumentParser
import Basics
import Reporting
import RunStore

/// How long an answer may take, and how long it may be.
struct AnswerBounds: ParsableArguments {
  @Option(help: "Stop after this time, as 30s or 2m; 0: never (default: 10s).")
  var timeout = "10s"
  @Option(help: "At most so many rows (default: 100000, with --timeout 0 all).") var limit: Int?

  /// Rows that are shown where nothing is said.
  private static let usual = 100_000

  /// nil: none.
  private var time: Duration? {
    get throws {
      if timeout == "0" { return nil }
      guard let seconds = Durations.seconds(timeout), seconds <= 1e9 else {
        throw ElbowError(.malformed, "`timeout` needs a time as 90s, 30m or 2h, got '\(timeout)'")
      }
      return .seconds(seconds)
    }
  }

  private var isUnbounded: Bool { timeout == "0" && limit == nil }

  /// Rows to ask for: one more than are shown, to know whether there are more; nil: all.
  var wanted: Int? { isUnbounded ? nil : (limit ?? Self.usual) + 1 }

  func validate() throws {
    if let limit, !(0..<Int.max).contains(limit) {
      throw ValidationError("--limit must not be negative, got \(limit)")
    }
  }

  /// Takes the columns of an answer, then its rows; false where no more are wanted.
  typealias Reader = (columns: ([String]) throws -> Void, row: ([Cell]) throws -> Bool)

  /// Writes an answer as it comes; a table to read is written when all of it is there.
  ///
  /// - Parameter ask: gives the answer to its reader.
  /// - Returns: rows written.
  /// - Throws: what `ask` throws; `ElbowError` where the time is up, `ExitCode` where rows are left
  ///   out that nobody said should be.
  func write(
    from store: RunStore, as format: TableFormat, keepsAll: Bool, _ ask: (Reader) throws -> Void
  ) throws -> Int {
    let most = wanted.map { $0 - 1 } ?? .max
    var (count, isCut) = (0, false)
    func answer(_ columns: ([String]) throws -> Void, _ row: ([Cell]) throws -> Void) throws {
      try withoutActuallyEscaping(columns) { columns in
        try withoutActuallyEscaping(row) { row in
          try ask(
            (
              columns,
              {
                guard count < most else {
                  isCut = true
                  return false
                }
                count += 1
                try row($0)
                return true
              }
            ))
        }
      }
    }
    do {
      try store.within(try time) {
        if format == .table {
          var table = ResultTable(columns: [], rows: [])
          try answer({ table.columns = $0 }, { table.rows.append($0) })
          return try format.write(table, keepsAll: keepsAll)
        }
        try Output.write(to: nil) { write in
          var writer: TableWriter?
          try answer(
            { writer = TableWriter(format, columns: $0, into: write) },
            { try writer?.append($0) })
          try writer?.finish()
        }
      }
    } catch let error as ElbowError where error.code == .late {
      let time = timeout.last?.isNumber == true ? "\(timeout) s" : timeout
      throw ElbowError(
        .late,
        "the answer took longer than \(time), and was stopped; `timeout` 5m gives it more, `timeout` 0 "
          + "all that it needs")
    }
    if isCut, limit == nil {
      Output.error(
        "elbow: the first \(most) rows are written, and there are more: --limit says how many, "
          + "--timeout 0 all")
      throw ExitCode(1)
    }
    return count
  }
}
