import Basics
import Records

/// Writes a table row by row, so that its rows need not all be in memory.
///
/// The text is that of `TableFormat.render`, but for Markdown and LaTeX, whose columns are aligned by
/// the first rows alone where the caller does not say which are numbers.
public struct TableWriter {
  /// Rows that decide which columns are aligned as numbers.
  public static let rowsToAlign = 200

  /// Rows written so far.
  public private(set) var count = 0
  private let format: TableFormat
  private let columns: [String]
  /// Of objects.
  private let keys: [String]
  private var numeric: [Bool]?
  private var waiting: [(row: [Cell], comment: String?)] = []
  private let sink: (String) throws -> Void

  /// A writer of rows with `columns`.
  ///
  /// - Parameters:
  ///   - format: any but `table`, whose widths depend on every row.
  ///   - numeric: which columns are aligned to the right; nil: those of numbers.
  ///   - columns: names, in order.
  ///   - sink: receives the text, piece by piece.
  public init(
    _ format: TableFormat, columns: [String], numeric: [Bool]? = nil,
    into sink: @escaping (String) throws -> Void
  ) {
    precondition(format != .table, "the widths of an aligned table depend on every row")
    precondition(
      numeric == nil || numeric?.count == columns.count,
      "\(numeric?.count ?? 0) alignments for \(columns.count) columns")
    self.format = format
    self.columns = columns
    keys = TableFormat.keys(columns)
    self.numeric = numeric
    self.sink = sink
  }

  /// Writes a row.
  ///
  /// - Parameters:
  ///   - row: a cell for every column.
  ///   - comment: what LaTeX notes behind it; other formats have no place for one.
  /// - Throws: what the sink throws.
  public mutating func append(_ row: [Cell], comment: String? = nil) throws {
    precondition(
      row.count == columns.count, "row has \(row.count) cells, table has \(columns.count) columns")
    if numeric == nil, format.isAligned {
      waiting.append((row, comment))
      if waiting.count == Self.rowsToAlign { try align() }
    } else {
      try write(row, comment)
    }
  }

  /// Writes what is left.
  ///
  /// - Throws: what the sink throws.
  public mutating func finish() throws {
    try align()
    if count == 0 { try sink(format.head(columns, numeric ?? [])) }
    try sink(format.foot(isEmpty: count == 0))
  }

  /// Decides the alignment and writes the rows that have waited for it.
  private mutating func align() throws {
    let rows = waiting
    waiting = []
    if numeric == nil {
      numeric = columns.indices.map { TableFormat.isNumeric(rows.lazy.map(\.row), $0) }
    }
    for (row, comment) in rows { try write(row, comment) }
  }

  private mutating func write(_ row: [Cell], _ comment: String?) throws {
    if count == 0 { try sink(format.head(columns, numeric ?? [])) }
    try sink(format.line(keys, row, isFirst: count == 0, comment: comment))
    count += 1
  }
}
