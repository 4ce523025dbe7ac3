import Basics
import Foundation
import Records

extension Figure {
  /// How often images of one class were taken for another.
  ///
  /// - Parameters:
  ///   - cells: rows of the query `confusion`.
  ///   - classes: names of the classes.
  ///   - run: full id of the run.
  public init(confusion cells: ResultTable, classes: [String], run: String) {
    var counts = [[Double?]](
      repeating: Array(repeating: nil, count: classes.count), count: classes.count)
    for row in cells.rows.indices {
      counts[cells.count(row, "label")][cells.count(row, "predicted")] = cells[row, "n"].number
    }
    let n = cells.rows.indices.reduce(0) { $0 + cells.count($1, "n") }
    let right = classes.indices.reduce(0) { $0 + Int(counts[$1][$1] ?? 0) }
    self.init(
      "Confusion, n = \(n) images",
      panels: [
        Panel(
          x: Axis("predicted class"), y: Axis("true class"),
          .matrix(Matrix(counts, rows: classes, columns: classes, colors: .count)))
      ],
      caption: [
        n == 0
          ? "No images."
          : "Right: \(right) of \(n), \(RunSummary.interval(right, of: n)) % (95 %, Wilson).",
        Self.describe(runs: [run]),
      ], sources: [run])
  }

  /// Metrics of trainings over their steps: losses and shares in a panel each, others as well where
  /// they are asked for.
  ///
  /// - Parameters:
  ///   - rows: of the query `training-curves`, of the metrics to be drawn; at least one.
  ///   - trainings: rows of the view `trainings`.
  public init(training rows: ResultTable, of trainings: ResultTable) {
    let ids = trainings.rows.indices.map { trainings[$0, "id"].text(null: "") }
    let labels = trainings.rows.indices.map { i in
      let model = RunSummary.modelName(trainings[i, "model_path"].text(null: ""))
      return "\(trainings[i, "kind"].text(null: "")) \(model)  \(ids[i].prefix(RunSummary.shortID))"
    }
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
      let series = ids.enumerated().flatMap { index, id in
        names.filter { kind($0) == quantity }.compactMap { name -> Series? in
          let chosen = rows.rows.indices.filter {
            rows[$0, "training"] == .text(id) && rows[$0, "name"] == .text(name)
          }
          guard !chosen.isEmpty else { return nil }
          let isMeasured = name.hasPrefix("validation")
          return Series(
            "\(name.replacing("_", with: " ")): \(labels[index])",
            chosen.map { row in
              Point(
                rows[row, "step"].number ?? 0,
                (rows[row, "value"].number ?? 0) * (isPercent ? 100 : 1))
            }, style: isMeasured ? .joined : .line,
            color: index + (isPercent && !name.hasSuffix("validation_accuracy") ? ids.count : 0))
        }
      }
      let values = series.flatMap { $0.points.map(\.y) }
      // A curve that falls by more than a factor of ten is read in factors.
      let falls = (values.min() ?? 0) > 0 && (values.max() ?? 1) > 10 * (values.min() ?? 1)
      return Panel(
        x: Axis("training step"),
        y: Axis(quantity, isLogarithmic: !isPercent && falls, isPercent: isPercent),
        .series(series))
    }
    let block = rows.rows.indices.map { rows.count($0, "block") }.max() ?? 1
    self.init(
      "Training", panels: panels,
      caption: [
        block > 1
          ? "Lines are means over blocks of up to \(block) steps; marks are single measurements."
          : "Every measurement is drawn.",
        "Training\(ids.count == 1 ? "" : "s") "
          + ids.map { String($0.prefix(RunSummary.shortID)) }.joined(separator: ", ") + ".",
      ], sources: ids)
  }

  /// Denoising errors of one image, pixel by pixel, for every class.
  ///
  /// - Parameters:
  ///   - errors: `[class][y][x]`.
  ///   - image: the image that was denoised, `[y][x]`, 0…1.
  ///   - classes: names of the classes.
  ///   - description: what is shown: image, level, unit.
  ///   - isContrast: whether to show what each class has more or less than the mean over classes.
  ///   - run: full id of the run.
  public init(
    errors: [[[Double]]], image: [[Double]], classes: [String], description: [String],
    isContrast: Bool = false, run: String
  ) {
    precondition(errors.count == classes.count, "\(errors.count) maps, \(classes.count) classes")
    let sums = errors.map { $0.joined().reduce(0, +) }
    let maps = isContrast ? Self.lessMean(errors) : errors
    let largest = maps.joined().joined().filter(\.isFinite).map(\.magnitude).max() ?? 0
    let bound = largest > 0 ? largest : 1
    let panels = classes.indices.map { index in
      Panel(
        "\(classes[index]) \(String(format: "%.2f", sums[index]))", x: Axis(""), y: Axis(""),
        .matrix(
          Matrix(
            maps[index], range: (isContrast ? -bound : 0)...bound,
            colors: isContrast ? .difference : .amount)))
    }
    let picture = Panel(
      "image", x: Axis(""), y: Axis(""), .matrix(Matrix(image, range: 0...1, colors: .grey)))
    self.init(
      isContrast
        ? "Denoising error less the mean over classes" : "Denoising error by pixel and class",
      panels: [picture] + panels, columns: min(panels.count + 1, 4),
      caption: description + [
        "Beside each class its error summed over pixels: the smaller, the more likely the class.",
        "One scale for all\(isContrast ? "; below 0: less than the mean over classes" : "").",
        Self.describe(runs: [run]),
      ], sources: [run])
  }

  /// What each map has more than the mean of all.
  private static func lessMean(_ maps: [[[Double]]]) -> [[[Double]]] {
    maps.map { map in
      map.indices.map { y in
        map[y].indices.map { x in
          map[y][x] - maps.reduce(0) { $0 + $1[y][x] } / Double(maps.count)
        }
      }
    }
  }
}
