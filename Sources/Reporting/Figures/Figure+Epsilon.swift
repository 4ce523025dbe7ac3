import Basics
import Records

extension Figure {
  /// Accuracy of configurations against the attacker's budget, a panel for each norm.
  ///
  /// - Parameter points: rows of the query `accuracy-by-epsilon`, at least one.
  public init(epsilon points: ResultTable) {
    func key(_ row: Int) -> [Cell] {
      ["fingerprint", "dataset", "split"].map { points[row, $0] }
    }
    var keys: [[Cell]] = []
    for row in points.rows.indices where !keys.contains(key(row)) { keys.append(key(row)) }
    // One row a configuration, so that labels name what these differ in.
    let firsts = keys.compactMap { one in points.rows.indices.first { key($0) == one } }
    let labels = RunSummary.labels(
      ResultTable(columns: points.columns, rows: firsts.map { points.rows[$0] }))
    var norms: [Cell] = []
    for row in points.rows.indices where !norms.contains(points[row, "norm"]) {
      norms.append(points[row, "norm"])
    }
    let panels = norms.map { norm in
      let series = keys.enumerated().compactMap { index, one -> Series? in
        let rows = points.rows.indices.filter { points[$0, "norm"] == norm && key($0) == one }
        guard !rows.isEmpty else { return nil }
        return Series(
          "\(labels[index]), \(RunSummary.count(rows.map { points.count($0, "n") }))",
          rows.map { row in
            Point(
              points[row, .epsilon] ?? 0, points[row, "n_right"].number ?? 0,
              of: points.count(row, "n"))
          }, style: .joined, mark: Panel.mark(Series("", [], style: .joined), index), color: index)
      }
      let known = AttackConfiguration.Norm(rawValue: norm.text(null: ""))
      return Panel(
        norms.count > 1 ? known?.symbol ?? norm.text(null: "") : "",
        x: Axis(known?.axis ?? "attacker's budget ε"),
        y: Axis("accuracy (%)", isPercent: true), .series(series))
    }
    let datasets = Set(
      points.rows.indices.map {
        "\(points[$0, "dataset"].text(null: "")) \(points[$0, "split"].text(null: ""))"
      })
    let runs = Set(
      points.rows.indices.flatMap { row in
        points[row, "run_ids"].text(null: "").split(separator: ",").map(String.init)
      }
    ).sorted()
    self.init(
      "Accuracy against ε, \(datasets.sorted().joined(separator: ", "))", panels: panels,
      caption: [
        "Right when clean and under the worst of all attacks recorded up to that ε, image by image; "
          + "of classifiers that draw noise the lower of known noise and the mean over draws; at "
          + "0 the same images clean. Bars are 95 % intervals (Wilson).",
        Self.describe(runs: runs),
      ], sources: runs)
  }

  /// Which runs, in short.
  static func describe(runs: [String]) -> String {
    "Run\(runs.count == 1 ? "" : "s") "
      + runs.map { String($0.prefix(RunSummary.shortID)) }.joined(separator: ", ") + "."
  }
}
