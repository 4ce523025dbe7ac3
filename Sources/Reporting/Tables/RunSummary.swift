import Basics
import Foundation
import Records
import Statistics

/// The columns of `runs` that fit a terminal, rounded for reading.
public enum RunSummary {
  /// First characters of an id that a person is shown: its milliseconds.
  public static let shortID = 10

  /// Columns of `runs` that `table` shows.
  public static let needed = [
    "id", "name", "status", "classifier", "lm", "strategy", "grid", "weights", "attack", "norm",
    "epsilon", "inputs_run", "images", "n_done", "accuracy", "accuracy_low", "accuracy_high",
    "nfe_per_image", "gradients_per_image", "seconds_per_image", "replay_of",
  ]

  /// Columns that may be left out, the first to go first.
  private static let dispensable = ["gradients", "weights", "grid", "s/image", "images", "name"]

  /// Headings of the table by the columns of `runs` that they show, where the two differ.
  private static let headings = [
    "id": "run", "accuracy": "accuracy % (95 %)", "nfe_per_image": "NFE",
    "gradients_per_image": "gradients", "seconds_per_image": "s/image",
  ]
  /// Columns of `runs` that are measured, or name a run, rather than ask something of it.
  private static let measured: Set = [
    "id", "fingerprint", "model_sha256", "accuracy", "accuracy_low", "accuracy_high", "n_correct",
    "n_done", "nfe_per_image", "gradients_per_image", "seconds_per_image",
    "attack_gradients_per_image", "attack_seconds_per_image", "started_at", "finished_at",
    "timesteps", "note", "error", "git_commit", "status", "replay_of", "deleted_at",
  ]

  /// The heading that shows a column of `runs`.
  public static func heading(of column: String) -> String { headings[column] ?? column }

  /// One line a run: id, every column in which the runs were asked different things, accuracy with
  /// its interval, cost.
  ///
  /// - Parameter runs: rows of the view `runs`, other columns of the configuration added.
  public static func changes(_ runs: ResultTable) -> ResultTable {
    let summary = whole(runs)
    func cells(_ heading: String) -> [Cell] { summary.rows.indices.map { summary[$0, heading] } }
    let asked = runs.columns.filter { column in
      !measured.contains(column)
        && Set(runs.rows.indices.map { runs[$0, column] }).count > 1
    }
    var table = ResultTable(columns: ["run"], rows: cells("run").map { [$0] })
    if Set(cells("status")).count > 1 { table = table.appending("status", cells("status")) }
    for column in asked {
      let cells = runs.rows.indices.map { runs[$0, column] }
      table = table.appending(
        column,
        column == "strategy" ? cells.map { $0.string.map { .text(strategy($0)) } ?? $0 } : cells)
    }
    for heading in ["accuracy % (95 %)", "NFE", "gradients", "s/image"] {
      if heading != "gradients" || Set(cells(heading)).count > 1 {
        table = table.appending(heading, cells(heading))
      }
    }
    return table
  }

  /// One line a run: id, what, accuracy with its interval, cost.
  ///
  /// Columns that say the same of every run (no name, finished, no attack, no gradients) are left
  /// out; then, of `dispensable`, as many as it takes to fit `width` characters.
  ///
  /// - Parameter runs: rows of the view `runs`.
  public static func table(_ runs: ResultTable, fitting width: Int? = nil) -> ResultTable {
    var table = whole(runs)
    let usual: [String: Cell] = [
      "name": .null, "status": .text("finished"), "attack": .text("none"),
      "gradients": .text("0.0"),
    ]
    for (column, value) in usual where table.rows.indices.allSatisfy({ table[$0, column] == value })
    {
      table = table.dropping(column)
    }
    return fit(table, width)
  }

  /// Without as many of `dispensable` as it takes to fit `width` characters; nil: no bound.
  public static func fit(_ table: ResultTable, _ width: Int?) -> ResultTable {
    table.fitting(width, dispensable: dispensable)
  }

  private static func whole(_ runs: ResultTable) -> ResultTable {
    ResultTable(
      columns: [
        "run", "name", "status", "classifier", "strategy", "grid", "weights", "attack", "images",
        "accuracy % (95 %)", "NFE", "gradients", "s/image",
      ],
      rows: runs.rows.indices.map { i in
        func text(_ column: String) -> Cell { runs[i, column] }
        let accuracy: Cell =
          if let value = runs[i, "accuracy"].number, let low = runs[i, "accuracy_low"].number,
            let high = runs[i, "accuracy_high"].number
          {
            .text("\(percent(value)) (\(percent(low))–\(percent(high)))")
          } else { .null }
        let done = runs[i, "n_done"].number ?? 0
        let count = runs[i, "images"].number.map { images -> Cell in
          .text(done == images ? "\(Int(images))" : "\(Int(done))/\(Int(images))")
        }
        return [
          .text(String((runs[i, "id"].string ?? "").prefix(shortID))), text("name"),
          status(runs, i), classifier(runs, i).isEmpty ? .null : .text(classifier(runs, i)),
          runs[i, "strategy"].string.map { .text(strategy($0)) } ?? .null, text("grid"),
          text("weights"), .text(attack(runs, i)), count ?? .null, accuracy,
          round(runs[i, "nfe_per_image"], 1), round(runs[i, "gradients_per_image"], 1),
          round(runs[i, "seconds_per_image"], 3),
        ]
      })
  }

  /// A strategy's spelling; a long one, which lists its timesteps, is cut to its beginning.
  public static func strategy(_ spelling: String) -> String {
    spelling.count <= 28 ? spelling : spelling.prefix(27) + "…"
  }

  /// As `rdc (paper)`.
  public static func classifier(_ runs: ResultTable, _ row: Int) -> String {
    let name = runs[row, "classifier"].string ?? ""
    return runs[row, "lm"].string.map { "\(name) (\($0))" } ?? name
  }

  /// `replayed` for a finished replay, so that nobody takes it for a live run.
  private static func status(_ runs: ResultTable, _ row: Int) -> Cell {
    let status = runs[row, "status"]
    return status == .text("finished") && runs[row, "replay_of"] != .null
      ? .text("replayed") : status
  }

  /// As `apgd-ce linf 8/255`, `none`, or `as in RUN` on the final images of another run.
  public static func attack(_ runs: ResultTable, _ row: Int) -> String {
    guard let name = runs[row, "attack"].string else {
      return runs[row, "inputs_run"].string.map { "as in \($0.prefix(shortID))" } ?? "none"
    }
    return "\(name) \(runs[row, "norm"].string ?? "") \(epsilon(runs[row, "epsilon"].number ?? 0))"
  }

  /// As `8/255` where it is that, else in decimal.
  public static func epsilon(_ value: Double) -> String {
    let levels = (value * 255).rounded()
    return levels >= 1 && abs(levels / 255 - value) < 1e-12
      ? "\(Int(levels))/255" : JSONValue.canonical(number: value)
  }

  /// As `89.0`.
  public static func percent(_ share: Double) -> String { (100 * share).printed("%.1f") }

  static func round(_ cell: Cell, _ digits: Int) -> Cell {
    cell.number.map { .text($0.printed("%.\(digits)f")) } ?? .null
  }

  /// Accuracy against evaluations and gradients of every run that has images, lettered in order,
  /// with a legend; empty where there are fewer than two.
  public static func tradeOff(_ runs: ResultTable) -> [String] {
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    var points: [ScatterPlot.Point] = []
    var legend: [String] = []
    for i in runs.rows.indices {
      guard let accuracy = runs[i, "accuracy"].number, let low = runs[i, "n_correct"].number,
        let n = runs[i, "n_done"].number, n > 0, points.count < letters.count
      else { continue }
      let cost =
        (runs[i, "nfe_per_image"].number ?? 0) + (runs[i, "gradients_per_image"].number ?? 0)
      let mark = letters[points.count]
      points.append(
        .init(
          mark: mark, cost: cost, accuracy: accuracy,
          interval: WilsonInterval(successes: Int(low), of: Int(n))))
      legend.append(
        "\(mark)  \(runs[i, "name"].string ?? String((runs[i, "id"].string ?? "").prefix(shortID)))"
      )
    }
    guard points.count >= 2 else { return [] }
    let front = Set(paretoFront(points.map { ($0.cost, $0.accuracy) }))
    for i in front { legend[i] = legend[i].prefix(1).uppercased() + legend[i].dropFirst() }
    let plot = ScatterPlot(
      points, costLabel: "network evaluations and gradients an image (log scale)")
    return ["Accuracy against compute; bars are 95 % intervals, capitals the Pareto front", ""]
      + plot.lines() + [""] + legend.map { "        " + $0 }
  }
}
