import Basics
import Foundation
import Records

/// How a table is written.
public enum TableFormat: String, CaseIterable, Sendable {
  /// Columns for a terminal.
  case table
  /// Rows as objects: an array of them, or one a line.
  case json, jsonl
  /// Values with commas or tabs between.
  case csv, tsv
  /// A table in a text to be set.
  case markdown, latex

  /// The table as text, with a line feed at its end unless it is empty.
  ///
  /// What is missing is `–` in formats to read (table, Markdown, LaTeX), nothing in CSV and TSV, null
  /// in JSON; what is not a number `NaN` everywhere; infinities are `∞` and `-∞`, and in formats of
  /// data `Infinity` and `-Infinity`. JSON keeps the columns' order; blobs are hexadecimal. CSV
  /// follows RFC 4180 with line feeds; TSV writes tabs and line feeds as \t and \n. Texts are made
  /// safe by the format's own escape: see `TableFormat+Escapes.swift`.
  public func render(_ table: ResultTable) -> String {
    var text = ""
    write(table) { text += $0 }
    return text
  }

  /// The same piece by piece, so that a long text need not be in memory.
  ///
  /// - Parameters:
  ///   - table: columns and rows.
  ///   - sink: receives the text.
  /// - Throws: what the sink throws.
  public func write(_ table: ResultTable, into sink: (String) throws -> Void) rethrows {
    if self == .table { return try sink(TerminalTable(table).output().text) }
    let numeric = isAligned ? table.columns.indices.map { Self.isNumeric(table.rows.lazy, $0) } : []
    let keys = Self.keys(table.columns)
    try sink(head(table.columns, numeric))
    for start in stride(from: 0, to: table.rows.count, by: Self.rowsInBlock) {
      let pieces = Array(
        stride(
          from: start, to: min(start + Self.rowsInBlock, table.rows.count), by: Self.rowsInPiece))
      let texts = pieces.mapInParts(of: 1) { first in
        var text = ""
        for row in first..<min(first + Self.rowsInPiece, table.rows.count) {
          append(keys, table.rows[row], isFirst: row == 0, to: &text)
        }
        return text
      }
      for text in texts { try sink(text) }
    }
    try sink(foot(isEmpty: table.rows.isEmpty))
  }

  /// Rows that one core makes text of at a time, and that all do before it is handed on.
  private static let (rowsInPiece, rowsInBlock) = (256, 2048)

  // MARK: Parts of every format but `table`, as `TableWriter` puts them together

  /// Whether columns of numbers are set to the right.
  var isAligned: Bool { self == .markdown || self == .latex }

  /// Columns as an object of JSON has them before its values.
  static func keys(_ columns: [String]) -> [String] { columns.map { json($0) + ": " } }

  /// What stands before the rows.
  func head(_ columns: [String], _ numeric: [Bool]) -> String {
    switch self {
    case .table, .jsonl: ""
    case .json: "["
    case .csv, .tsv: line([], columns.map { .text($0) }, isFirst: true)
    case .markdown:
      lines([row(columns.map(Self.markdown)), row(numeric.map { $0 ? "---:" : "---" })])
    case .latex:
      lines([
        "\\begin{tabular}{\(numeric.map { $0 ? "r" : "l" }.joined())}", "\\toprule",
        columns.map(Self.latex).joined(separator: " & ") + " \\\\", "\\midrule",
      ])
    }
  }

  /// One row.
  ///
  /// - Parameters:
  ///   - keys: of objects.
  ///   - comment: what LaTeX notes behind it.
  func line(
    _ keys: [String], _ cells: [Cell], isFirst: Bool, comment: String? = nil
  ) -> String {
    var text = ""
    append(keys, cells, isFirst: isFirst, comment: comment, to: &text)
    return text
  }

  private func append(
    _ keys: [String], _ cells: [Cell], isFirst: Bool, comment: String? = nil, to text: inout String
  ) {
    func plain(_ field: (Cell) -> String, _ separator: String) {
      for (i, cell) in cells.enumerated() {
        if i > 0 { text += separator }
        text += field(cell)
      }
      text += "\n"
    }
    switch self {
    case .table: break
    case .json:
      text += isFirst ? "\n  " : ",\n  "
      append(object: keys, cells, to: &text)
    case .jsonl:
      append(object: keys, cells, to: &text)
      text += "\n"
    case .csv: plain(Self.csv, ",")
    case .tsv: plain(Self.tsv, "\t")
    case .markdown: text += row(cells.map { Self.markdown($0.reading(short: false)) }) + "\n"
    case .latex:
      text +=
        cells.map { Self.latex($0) }.joined(separator: " & ") + " \\\\"
        + Self.latexComment(comment) + "\n"
    }
  }

  /// What stands behind the rows.
  func foot(isEmpty: Bool) -> String {
    switch self {
    case .json: isEmpty ? "]\n" : "\n]\n"
    case .latex: lines(["\\bottomrule", "\\end{tabular}"])
    default: ""
    }
  }

  /// One row as a JSON object, keys in the columns' order.
  public func object(_ columns: [String], _ row: [Cell]) -> String {
    var text = ""
    append(object: Self.keys(columns), row, to: &text)
    return text
  }

  private func append(object keys: [String], _ row: [Cell], to text: inout String) {
    text += "{"
    var isFirst = true
    for (key, cell) in zip(keys, row) {
      if !isFirst { text += ", " }
      isFirst = false
      text += key
      switch cell {
      case .null: text += "null"
      case .text(let value) where Self.isLiteral(value):
        text += "\""
        text += value
        text += "\""
      default: text += Self.json(cell)
      }
    }
    text += "}"
  }

  /// Whether a text stands in JSON as it is: each byte is a character that is seen, or a space, and no
  /// quote or backslash.
  private static func isLiteral(_ text: String) -> Bool {
    text.utf8.withContiguousStorageIfAvailable {
      $0.allSatisfy { 0x20..<0x7F ~= $0 && $0 != 0x22 && $0 != 0x5C }
    } ?? false
  }

  private func lines(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

  /// A cell as JSON.
  static func json(_ cell: Cell) -> String {
    switch cell {
    case .null: "null"
    case .integer(let value): "\(value)"
    case .real(let value) where value.isFinite: JSONValue.canonical(number: value)
    case .text(let value): json(value)
    case .real, .blob: "\"\(cell.text(null: ""))\""
    }
  }

  private func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

  /// Whether a column holds numbers, or fractions as 57/100, and at least one.
  public static func isNumeric(_ rows: some Sequence<[Cell]>, _ column: Int) -> Bool {
    var isPresent = false
    for row in rows where row[column] != .null {
      isPresent = true
      switch row[column] {
      case .integer, .real: continue
      case .text(let text) where Double(text) != nil || isFraction(text): continue
      default: return false
      }
    }
    return isPresent
  }

  private static func isFraction(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(digits.contains) }
  }

  /// Cells of the widest line of the table as `table` writes it without a bound.
  public static func width(_ table: ResultTable) -> Int {
    TableFormat.table.render(table).split(separator: "\n").map { String($0).cellWidth }.max() ?? 0
  }

  /// A number to six significant digits.
  public static func short(_ value: Double) -> String { value.printed("%.6g") }
}

extension Double {
  /// As C's `printf` writes it, which Foundation's formats do not do as fast.
  func printed(_ format: String) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      let count = withVaList([self]) { vsnprintf(buffer.baseAddress, buffer.count, format, $0) }
      return String(
        decoding: UnsafeRawBufferPointer(buffer).prefix(Int(count)), as: UTF8.self)
    }
  }
}
