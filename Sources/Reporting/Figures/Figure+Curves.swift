import Basics
import Records

extension Figure {
  /// Metrics of trainings over their steps.
  ///
  /// - Parameters:
  ///   - rows: of the query `training-curves`, of the metrics to be drawn; at least one.
  ///   - trainings: rows of the view `trainings`.
  public init(training rows: ResultTable, of trainings: ResultTable) {
    let sources = trainings.rows.indices.map { i in
      let id = trainings[i, "id"].text(null: "")
      let model = RunSummary.modelName(trainings[i, "model_path"].text(null: ""))
      return Source(id: id, label: "\(trainings[i, "kind"].text(null: "")) \(model)")
    }
    self.init("Training", curves: rows, key: "training", of: sources, x: "training step")
  }

  /// Metrics that were logged of runs, over their steps.
  ///
  /// - Parameters:
  ///   - rows: of the query `metric-curves`, of the metrics to be drawn; at least one.
  ///   - runs: rows of the view `runs`.
  public init(metrics rows: ResultTable, of runs: ResultTable) {
    let sources = runs.rows.indices.map { i in
      Source(id: runs[i, "id"].text(null: ""), label: runs[i, .name] ?? "run")
    }
    self.init("Metrics", curves: rows, key: "run", of: sources, x: "step")
  }

  /// What a curve belongs to.
  private struct Source {
    let id: String
    let label: String
  }

  /// Losses, shares and whatever else was measured, in a panel each.
  private init(
    _ title: String, curves rows: ResultTable, key: String, of sources: [Source], x: String
  ) {
    var names: [String] = []
    for row in rows.rows.indices {
      let name = rows[row, "name"].text(null: "")
      if !names.contains(name) { names.append(name) }
    }
    func kind(_ name: String) -> String {
      name.hasSuffix("accuracy") ? "accuracy (%)" : name.hasSuffix("loss") ? "loss" : name
    }
    var kinds: [String] = []
    for name in names where !kinds.contains(kind(name)) { kinds.append(kind(name)) }
    let panels = kinds.sorted { ($0 == "loss" ? "" : $0) < ($1 == "loss" ? "" : $1) }.map {
      quantity in
      let isPercent = quantity == "accuracy (%)"
      let series = sources.enumerated().flatMap { index, source in
        names.filter { kind($0) == quantity }.compactMap { name -> Series? in
          let chosen = rows.rows.indices.filter {
            rows[$0, key] == .text(source.id) && rows[$0, "name"] == .text(name)
          }
          guard !chosen.isEmpty else { return nil }
          let isMeasured = name.hasPrefix("validation")
          let short = source.id.prefix(RunSummary.shortID)
          return Series(
            "\(name.replacing("_", with: " ")): \(source.label)  \(short)",
            chosen.map { row in
              Point(
                rows[row, .step] ?? 0,
                (rows[row, .value] ?? 0) * (isPercent ? 100 : 1))
            }, style: isMeasured ? .joined : .line,
            color: index
              + (isPercent && !name.hasSuffix("validation_accuracy") ? sources.count : 0))
        }
      }
      let values = series.flatMap { $0.points.map(\.y) }
      // A curve that falls by more than a factor of ten is read in factors.
      let falls = (values.min() ?? 0) > 0 && (values.max() ?? 1) > 10 * (values.min() ?? 1)
      return Panel(
        x: Axis(x), y: Axis(quantity, isLogarithmic: !isPercent && falls, isPercent: isPercent),
        .series(series))
    }
    let block = rows.rows.indices.map { rows.count($0, "block") }.max() ?? 1
    self.init(
      title, panels: panels,
      caption: [
        block > 1
          ? "Lines are means over blocks of up to \(block) steps; marks are single measurements."
          : "Every finite measurement is drawn.",
        "\(key.capitalized)\(sources.count == 1 ? "" : "s") "
          + sources.map { String($0.id.prefix(RunSummary.shortID)) }.joined(separator: ", ") + ".",
      ], sources: sources.map(\.id))
  }
}
