import Basics
import Foundation
import Records

/// How a table is written.
public enum TableFormat: String, CaseIterable, Sendable {
  case table, json, jsonl, csv, tsv, markdown, latex

  /// The table as text, with a line feed at its end unless it is empty.
  ///
  /// JSON keeps the columns' order; blobs are hexadecimal, infinities the texts "Infinity" and
  /// "-Infinity". CSV follows RFC 4180 with line feeds; TSV writes tabs and line feeds as \t and \n.
  public func render(_ table: ResultTable) -> String {
    if self == .table { return aligned(table) }
    let numeric = table.columns.indices.map { Self.isNumeric(table.rows.lazy, $0) }
    var text = head(table.columns, numeric)
    for (i, row) in table.rows.enumerated() { text += line(table.columns, row, isFirst: i == 0) }
    return text + foot(isEmpty: table.rows.isEmpty)
  }

  // MARK: Parts of every format but `table`, as `TableWriter` puts them together

  /// What stands before the rows.
  func head(_ columns: [String], _ numeric: [Bool]) -> String {
    switch self {
    case .table, .jsonl: ""
    case .json: "["
    case .csv, .tsv: line(columns, columns.map { .text($0) }, isFirst: true)
    case .markdown: lines([row(columns.map(markdown)), row(numeric.map { $0 ? "---:" : "---" })])
    case .latex:
      lines([
        "\\begin{tabular}{\(numeric.map { $0 ? "r" : "l" }.joined())}", "\\toprule",
        columns.map(Self.latex).joined(separator: " & ") + " \\\\", "\\midrule",
      ])
    }
  }

  /// One row.
  ///
  /// - Parameter comment: what LaTeX notes behind it.
  func line(
    _ columns: [String], _ cells: [Cell], isFirst: Bool, comment: String? = nil
  ) -> String {
    func plain(_ escape: (String) -> String, _ separator: String) -> String {
      cells.map { escape($0.text(null: "")) }.joined(separator: separator) + "\n"
    }
    return switch self {
    case .table: ""
    case .json: "\(isFirst ? "" : ",")\n  \(object(columns, cells))"
    case .jsonl: object(columns, cells) + "\n"
    case .csv: plain(csv, ",")
    case .tsv: plain(tsv, "\t")
    case .markdown: row(cells.map { markdown($0.text(null: "")) }) + "\n"
    case .latex:
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
    var text = "{"
    for (column, cell) in zip(columns, row) {
      if text.utf8.count > 1 { text += ", " }
      text += JSONValue.canonical(string: column)
      text += ": "
      text += Self.json(cell)
    }
    return text + "}"
  }

  private func lines(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

  /// A cell as JSON.
  static func json(_ cell: Cell) -> String {
    switch cell {
    case .null: "null"
    case .integer(let value): "\(value)"
    case .real(let value) where value.isFinite: JSONValue.canonical(number: value)
    case .real(let value): value > 0 ? "\"Infinity\"" : "\"-Infinity\""
    case .text(let value): JSONValue.canonical(string: value)
    case .blob: "\"\(cell.text(null: ""))\""
    }
  }

  private func csv(_ text: String) -> String {
    text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
      ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
  }

  private func tsv(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\t", with: "\\t").replacing("\n", with: "\\n")
  }

  private func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

  private func markdown(_ text: String) -> String {
    text.onOneLine.replacing("|", with: "\\|")
  }

  /// Whether a column holds numbers, and at least one.
  public static func isNumeric(_ rows: some Sequence<[Cell]>, _ column: Int) -> Bool {
    var isPresent = false
    for row in rows where row[column] != .null {
      isPresent = true
      switch row[column] {
      case .integer, .real: continue
      case .text(let text) where Double(text) != nil: continue
      default: return false
      }
    }
    return isPresent
  }

  /// Columns two spaces apart, numbers to the right, `–` for null.
  private func aligned(_ table: ResultTable) -> String {
    let cells = table.rows.map { row in
      row.map { cell -> String in
        if case .real(let value) = cell { return Self.short(value) }
        return cell.text(null: "–").onOneLine
      }
    }
    // Lengths once: to count characters is dear.
    let lengths = cells.map { $0.map(\.length) }
    let widths = table.columns.enumerated().map { c, name in
      lengths.reduce(name.length) { max($0, $1[c]) }
    }
    let numeric = table.columns.indices.map { Self.isNumeric(table.rows, $0) }
    func line(_ texts: [String], _ lengths: [Int]) -> String {
      var line = ""
      for (c, text) in texts.enumerated() {
        if c > 0 { line += "  " }
        let padding = String(repeating: " ", count: widths[c] - lengths[c])
        line += numeric[c] ? padding + text : c < texts.count - 1 ? text + padding : text
      }
      return line.trimmingTrailingSpaces
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    return lines(
      [line(table.columns, table.columns.map(\.length)), rule] + zip(cells, lengths).map(line))
  }

  /// Characters of the widest line of the table as `table` writes it.
  public static func width(_ table: ResultTable) -> Int {
    TableFormat.table.render(table).split(separator: "\n").map(\.count).max() ?? 0
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

extension Cell {
  /// The value in plain text; reals with all their digits.
  public func text(null: String) -> String {
    switch self {
    case .null: null
    case .integer(let value): "\(value)"
    case .real(let value): value.isFinite ? JSONValue.canonical(number: value) : "\(value)"
    case .text(let value): value
    case .blob(let bytes): bytes.map { String(format: "%02x", $0) }.joined()
    }
  }

  /// As a number; nil for texts, blobs and null.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// As a text; nil for everything else.
  public var string: String? {
    if case .text(let value) = self { value } else { nil }
  }
}

extension String {
  /// With a space for every tab and line break.
  public var onOneLine: String {
    isPlain ? self : String(map { $0.isNewline || $0 == "\t" ? " " : $0 })
  }

  /// Characters.
  var length: Int { isPlain ? utf8.count : count }

  /// Whether each byte is a character that is seen, or a space.
  private var isPlain: Bool { utf8.allSatisfy { (0x20..<0x7F).contains($0) } }
}
