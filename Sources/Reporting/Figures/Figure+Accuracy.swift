import Basics
import Records
import Statistics

extension Figure {
  /// Letters that tell runs apart.
  private static let letters = Array("abcdefghijklmnopqrstuvwxyz")

  /// Accuracy against compute, with the Pareto front and 95 % intervals.
  ///
  /// All runs are drawn. Letters and legend name all where the alphabet is long enough, else as many
  /// of the front. No front is drawn of runs under different attacks, or on different images.
  ///
  /// - Parameter runs: rows of the query `accuracy-cost`, at least one.
  public init(accuracy runs: ResultTable) {
    let values = runs.rows.indices.map { i in
      (
        cost: runs[i, .cost] ?? 0,
        value: Double(runs.count(i, "n_correct")) / Double(runs.count(i, "n_done"))
      )
    }
    let threats = Set(
      runs.rows.indices.map { i in ["attack", "norm", "epsilon"].map { runs[i, $0] } })
    let sources = Set(runs.rows.indices.map { i in ["dataset", "split"].map { runs[i, $0] } })
    // Under one attack and under another, of one dataset and of another, accuracies do not compete.
    let differences =
      (threats.count > 1 ? ["under different attacks"] : [])
      + (sources.count > 1 ? ["on images of different datasets"] : [])
    let front = differences.isEmpty ? paretoFront(values) : []
    let namesAll = runs.rows.count <= Self.letters.count
    let candidates = namesAll || front.isEmpty ? Array(runs.rows.indices) : front
    let named = Array(candidates.prefix(Self.letters.count))
    let labels = RunSummary.labels(runs)
    func point(_ row: Int) -> Point {
      Point(values[row].cost, Double(runs.count(row, "n_correct")), of: runs.count(row, "n_done"))
    }
    let others = runs.rows.indices.filter { !named.contains($0) }
    var series: [Series] = []
    if !others.isEmpty {
      series.append(
        Series("\(others.count) other runs", others.map(point), style: .points, mark: "o"))
    }
    for (letter, row) in zip(Self.letters, named) {
      let isFront = front.contains(row)
      let mark = isFront ? Character(letter.uppercased()) : letter
      series.append(
        Series(
          "\(labels[row])  \(RunSummary.short(runs[row, "id"]))", [point(row)], style: .points,
          mark: mark, color: isFront ? 0 : 1))
    }
    var line = front.map { Point(values[$0].cost, 100 * values[$0].value) }
    if let last = line.last, let most = values.map(\.cost).max() {
      line.append(Point(most, last.y))
    }
    if !line.isEmpty { series.append(Series("Pareto front", line, style: .steps, color: 0)) }

    let datasets = Set(
      runs.rows.indices.map { i in
        "\(runs[i, "dataset"].text(null: "several datasets")) \(runs[i, "split"].text(null: ""))"
          .trimmed
      })
    let counts = runs.rows.indices.map { runs.count($0, "n_done") }
    var caption = [
      "Bars are 95 % intervals (Wilson). "
        + (differences.isEmpty
          ? "Capitals and line: the Pareto front, the runs that no other beats in both."
          : "The runs are \(differences.joined(separator: " and ")), so that no front is drawn.")
    ]
    if runs.rows.indices.contains(where: { runs[$0, "attack"] != .null }) {
      caption.append(
        "Under attack an image counts where it is right before and after; the compute is the "
          + "classifier's own.")
    }
    if !namesAll {
      caption.append("\(runs.rows.count) runs are drawn, of which \(named.count) are named.")
    }
    self.init(
      "Accuracy against compute, \(RunSummary.images(counts)) of "
        + datasets.sorted().joined(separator: ", "),
      panels: [
        Panel(
          x: Axis("network evaluations an image (NFE)", isLogarithmic: true),
          y: Axis("accuracy (%)", isPercent: true), .series(series))
      ], caption: caption, sources: runs.rows.indices.map { runs[$0, "id"].text(null: "") })
  }
}
