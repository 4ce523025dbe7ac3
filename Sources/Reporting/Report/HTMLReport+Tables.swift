import Basics
import Foundation
import Records
import Statistics

extension HTMLReport {
  private func row(_ cells: [String], _ tag: String = "td") -> String {
    "<tr>" + cells.map { "<\(tag)>\($0)</\(tag)>" }.joined() + "</tr>\n"
  }

  private func table(head: [String], _ rows: [[String]], numeric: Set<Int>) -> String {
    let columns = head.indices.map { numeric.contains($0) ? " class=\"n\"" : "" }
    func line(_ cells: [String], _ tag: String) -> String {
      "<tr>" + zip(columns, cells).map { "<\(tag)\($0)>\($1)</\(tag)>" }.joined() + "</tr>\n"
    }
    return "<div class=\"wide\"><table>\n<thead>\(line(head, "th"))</thead>\n<tbody>\n"
      + rows.map { line($0, "td") }.joined() + "</tbody>\n</table></div>\n"
  }

  /// An id in short, whole where the pointer rests on it.
  private func id(_ text: String) -> String {
    "<code title=\"\(Self.escaped(text))\">\(Self.escaped(String(text.prefix(RunSummary.shortID))))"
      + "</code>"
  }

  /// One line a run, with its interval drawn.
  var summary: String {
    let whole = RunSummary.table(runs)
    // What no run has says nothing.
    let table = whole.columns.filter { column in
      whole.rows.indices.allSatisfy { whole[$0, column] == .null }
    }.reduce(whole) { $0.dropping($1) }
    let place = table.columns.firstIndex(of: "accuracy % (95 %)") ?? 0
    let numeric = Set(table.columns.indices.filter { TableFormat.isNumeric(table.rows, $0) })
    var head = table.columns.map(Self.escaped)
    head.insert("<span class=\"scale\"><span>0</span><span>100 %</span></span>", at: place + 1)
    let rows = table.rows.indices.map { i in
      var cells = table.rows[i].map { Self.escaped($0.reading(short: true)) }
      cells[0] = id(runs[i, "id"].text(null: ""))
      cells.insert(bar(i), at: place + 1)
      return cells
    }
    return self.table(head: head, rows, numeric: Set(numeric.map { $0 > place ? $0 + 1 : $0 }))
      + "<p>Accuracy with Wilson's 95 % interval. NFE: network evaluations an image; gradients: "
      + "backward passes an image.</p>\n"
  }

  /// An interval on a scale from 0 to 100 %.
  private func bar(_ row: Int) -> String {
    guard let value = runs[row, .accuracy], let low = runs[row, .accuracyLow],
      let high = runs[row, .accuracyHigh]
    else { return "" }
    func x(_ share: Double) -> String { String(format: "%.1f", 160 * share) }
    return "<svg class=\"bar\" width=\"162\" height=\"12\" viewBox=\"-1 0 162 12\" role=\"img\">"
      + "<title>\(RunSummary.percent(low)) to \(RunSummary.percent(high)) %</title>"
      + "<path d=\"M0 6H160\" class=\"rule\"/><path d=\"M\(x(low)) 6H\(x(high))\"/>"
      + "<circle cx=\"\(x(value))\" cy=\"6\" r=\"3.5\"/></svg>"
  }

  func table(_ comparison: Pairing) -> String {
    let rows = zip(comparison.labels.dropFirst(), comparison.pairs).map { label, pair in
      let interval = pair.deltaInterval
      func points(_ share: Double) -> String { String(format: "%+.1f", 100 * share) }
      return [
        Self.escaped(label), "\(pair.n)", points(pair.delta),
        "\(points(interval.lowerBound)) to \(points(interval.upperBound))", "\(pair.both)",
        "\(pair.b)", "\(pair.c)", "\(pair.neither)", String(format: "%.2g", pair.pValue),
      ]
    }
    return "<h3>\(Self.escaped(comparison.title))</h3>\n"
      + "<p>Against <b>\(Self.escaped(comparison.labels[0]))</b>, in points; 95 % intervals: "
      + "\(PairedCounts.deltaMethod.rawValue), p by McNemar's exact test.</p>\n"
      + table(
        head: [
          "run", "images", "difference", "95 % interval", "both right", "only first", "only this",
          "neither", "p",
        ], rows, numeric: Set(1...8))
  }

  /// Counts, darker where there are more.
  func confusion(_ label: String, _ figure: Figure) -> String {
    guard case .matrix(let matrix) = figure.panels[0].content else { return "" }
    let head = row(
      ["true ↓ predicted →"] + matrix.columns.map { "<span>\(Self.escaped($0))</span>" }, "th")
    let most = max(matrix.range.upperBound, 1)
    let rows = zip(matrix.rows, matrix.values).map { name, values in
      "<tr><th>\(Self.escaped(name))</th>"
        + values.map { value in
          guard let value else { return "<td></td>" }
          let share = (value / most).squareRoot()
          let text = share > 0.65 ? ";color:#fff" : ""
          return "<td style=\"background:rgb(0 114 178/\(String(format: "%.2f", share)))\(text)\">"
            + "\(Int(value))</td>"
        }.joined() + "</tr>\n"
    }
    return "<details><summary>\(Self.escaped(label))</summary>\n<div class=\"wide\">"
      + "<table class=\"confusion\">\n\(head)\(rows.joined())</table></div>\n<p>"
      + Self.escaped(figure.caption.joined(separator: " ")) + "</p></details>\n"
  }

  /// Code, model, machine and command of each run.
  var origins: String {
    let rows = provenance.rows.indices.map { i -> [String] in
      func raw(_ column: String) -> String { provenance[i, column].text(null: Cell.missing) }
      func text(_ column: String) -> String { Self.escaped(raw(column)) }
      func short(_ column: String) -> String { Self.escaped(String(raw(column).prefix(12))) }
      func hash(_ column: String) -> String {
        "<code title=\"\(text(column))\">\(short(column))</code>"
      }
      let state =
        provenance[i, "git_dirty"] == .integer(1)
        ? " with uncommitted changes <code>\(short("diff_sha256"))</code>" : ""
      return [
        id(provenance[i, "id"].text(null: "")), text("started_at"), hash("git_commit") + state,
        "\(Self.escaped(RunSummary.modelName(provenance[i, "model"].text(null: "")))) "
          + hash("model_sha256"),
        hash("fingerprint"),
        "\(text("host")), \(text("cpu")), \(text("threads")) threads, \(text("blas")), "
          + text("instruction_set"),
        "\(text("elbow_version")), SQLite \(text("sqlite_version"))",
        "<code>\(Self.escaped(RunSummary.command(provenance[i, "argv"].text(null: "[]"))))</code>",
      ]
    }
    return table(
      head: [
        "run", "started", "commit", "model", "configuration", "machine", "Elbow", "command",
      ], rows, numeric: [])
  }

  static let style = """

    :root{--rule:#ddd;--fill:#f6f6f6;--accent:#0072b2}
    @media(prefers-color-scheme:dark){:root{--rule:#444;--fill:#222;--accent:#56b4e9}}
    body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem}
    h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.2rem}h3{font-size:1rem}
    .wide{overflow-x:auto}
    table{border-collapse:collapse;font-size:.87rem}
    th,td{padding:.25rem .6rem;border-bottom:1px solid var(--rule);text-align:left;
      vertical-align:top;white-space:nowrap}
    thead th{border-bottom-width:2px}
    .n{text-align:right;font-variant-numeric:tabular-nums}
    code{font:.85em ui-monospace,monospace}
    figure{margin:1rem 0}figure svg{max-width:100%;height:auto}
    pre{overflow-x:auto;font:13px/1.2 ui-monospace,monospace}
    .scale{display:flex;justify-content:space-between;width:162px;font-weight:normal}
    .bar path{stroke:var(--accent);stroke-width:3}.bar .rule{stroke:var(--rule);stroke-width:1}
    .bar circle{fill:var(--accent)}
    .confusion td{text-align:right;font-variant-numeric:tabular-nums;border:1px solid var(--rule)}
    .confusion span{writing-mode:vertical-rl}
    details{margin:.4rem 0}summary{cursor:pointer}

    """
}
