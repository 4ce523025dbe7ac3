import Basics
import Records
import Reporting

/// A table on a page: numbers to the right, cells as they are given where they are.
struct TableView {
  /// What it shows.
  var table: ResultTable
  /// What it is called by who cannot see it.
  var caption: String
  /// Cells that are more than their text, by row and column.
  var cell: (_ row: Int, _ column: String) -> HTML? = { _, _ in nil }
  /// A column's head; nil: its name.
  var head: (_ column: String) -> HTML? = { _ in nil }
  /// Cells before all others, with their head.
  var first: (head: HTML, cell: (_ row: Int) -> HTML)?

  /// The table, which moves within itself where there is no room for it.
  var html: HTML {
    let numeric = table.columns.indices.map { index in
      TableFormat.isNumeric(table.rows.lazy, index) || isMeasured(index)
    }
    let heads = table.columns.enumerated().map { index, column -> HTML in
      let kind: HTML = numeric[index] ? " class=\"n\"" : ""
      return "<th scope=\"col\"\(kind)>\(head(column) ?? "\(column)")</th>"
    }
    let rows = table.rows.indices.map { row -> HTML in
      let cells = table.columns.enumerated().map { index, column -> HTML in
        let kind: HTML = numeric[index] ? " class=\"n\"" : ""
        let value = table.rows[row][index]
        let content = cell(row, column) ?? "\(value.reading(short: true))"
        return "<td\(kind)>\(content)</td>"
      }
      let before: HTML? = first.map { "<td class=\"pick\">\($0.cell(row))</td>" }
      return "<tr>\(before)\(cells)</tr>\n"
    }
    let before: HTML? = first.map { "<th scope=\"col\" class=\"pick\">\($0.head)</th>" }
    return """
      <div class="wide" tabindex="0" role="region" aria-label="\(caption)"><table>
      <thead><tr>\(before)\(heads)</tr></thead>
      <tbody>
      \(rows)</tbody>
      </table></div>

      """
  }

  /// Whether a column's texts begin with a number: an accuracy with its interval.
  private func isMeasured(_ index: Int) -> Bool {
    let texts = table.rows.lazy.compactMap { $0[index].string }
    return ["%", "NFE", "difference"].contains { table.columns[index].contains($0) }
      && !texts.isEmpty
      && texts.allSatisfy { $0.first.map { $0.isNumber || "+-−".contains($0) } ?? true }
  }
}
