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
    switch self {
    case .table: aligned(table)
    case .json:
      table.rows.isEmpty
        ? "[]\n"
        : "[\n" + table.rows.map { "  " + object(table.columns, $0) }.joined(separator: ",\n")
          + "\n]\n"
    case .jsonl: lines(table.rows.map { object(table.columns, $0) })
    case .csv: lines(([table.columns] + plain(table)).map { $0.map(csv).joined(separator: ",") })
    case .tsv: lines(([table.columns] + plain(table)).map { $0.map(tsv).joined(separator: "\t") })
    case .markdown:
      lines(
        [
          row(table.columns),
          row(table.columns.indices.map { isNumeric(table, $0) ? "---:" : "---" }),
        ]
          + plain(table).map { row($0.map { $0.onOneLine.replacing("|", with: "\\|") }) })
    case .latex: latex(table)
    }
  }

  /// One row as a JSON object, keys in the columns' order.
  public func object(_ columns: [String], _ row: [Cell]) -> String {
    "{"
      + zip(columns, row).map { "\(JSONValue.canonical(string: $0)): \(Self.json($1))" }
      .joined(separator: ", ") + "}"
  }

  private func lines(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

  private func plain(_ table: ResultTable) -> [[String]] {
    table.rows.map { $0.map { $0.text(null: "") } }
  }

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

  private func latex(_ table: ResultTable) -> String {
    func escape(_ text: String) -> String {
      var result = ""
      for c in text.onOneLine {
        switch c {
        case "\\": result += "\\textbackslash{}"
        case "~": result += "\\textasciitilde{}"
        case "^": result += "\\textasciicircum{}"
        case "&", "%", "$", "#", "_", "{", "}": result += "\\\(c)"
        default: result.append(c)
        }
      }
      return result
    }
    func row(_ cells: [String]) -> String { cells.map(escape).joined(separator: " & ") + " \\\\" }
    let alignment = table.columns.indices.map { isNumeric(table, $0) ? "r" : "l" }.joined()
    return lines(
      ["\\begin{tabular}{\(alignment)}", "\\toprule", row(table.columns), "\\midrule"]
        + plain(table).map(row) + ["\\bottomrule", "\\end{tabular}"])
  }

  private func isNumeric(_ table: ResultTable, _ column: Int) -> Bool {
    let cells = table.rows.map { $0[column] }.filter { $0 != .null }
    return !cells.isEmpty
      && cells.allSatisfy {
        switch $0 {
        case .integer, .real: true
        case .text(let text): Double(text) != nil
        default: false
        }
      }
  }

  /// Columns two spaces apart, numbers to the right, `–` for null.
  private func aligned(_ table: ResultTable) -> String {
    let cells = table.rows.map { row in
      row.map { cell -> String in
        if case .real(let value) = cell { return Self.short(value) }
        return cell.text(null: "–").onOneLine
      }
    }
    let widths = table.columns.indices.map { c in
      ([table.columns[c]] + cells.map { $0[c] }).map(\.count).max() ?? 0
    }
    let numeric = table.columns.indices.map { isNumeric(table, $0) }
    func line(_ texts: [String]) -> String {
      texts.enumerated().map { c, text in
        let padding = String(repeating: " ", count: widths[c] - text.count)
        return numeric[c] ? padding + text : text + padding
      }
      .joined(separator: "  ").trimmingTrailingSpaces
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    return lines([line(table.columns), rule] + cells.map(line))
  }

  /// Characters of the widest line of the table as `table` writes it.
  public static func width(_ table: ResultTable) -> Int {
    TableFormat.table.render(table).split(separator: "\n").map(\.count).max() ?? 0
  }

  /// A number to six significant digits.
  static func short(_ value: Double) -> String { String(format: "%.6g", value) }
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
  var onOneLine: String { String(map { $0.isNewline || $0 == "\t" ? " " : $0 }) }
}
