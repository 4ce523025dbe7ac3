import Basics
import Foundation
import Records
import Statistics

/// The columns of `runs` that fit a terminal, rounded for reading.
package enum RunSummary {
  /// First characters of an id that a person is shown: its milliseconds.
  package static let shortID = 10

  /// Columns of `runs` that `table` shows.
  package static let needed = [
    "id", "name", "status", "classifier", "lm", "purify", "randomized_smoothing", "precision",
    "strategy",
    "grid", "weights", "attack",
    "norm", "epsilon", "inputs_run", "images", "n_done", "accuracy", "accuracy_low",
    "accuracy_high",
    "nfe_per_image", "gradients_per_image", "seconds_per_image", "replay_of", "seed",
    "started_at",
  ]

  /// Headings of the table by the columns of `runs` that they show, where the two differ.
  private static let headings = [
    "id": "run", "accuracy": "accuracy % (95 %)", "nfe_per_image": "NFE",
    "gradients_per_image": "gradients", "seconds_per_image": "s/image",
    "started_at": "when",
  ]

  /// Columns of `runs` that are measured, or name a run, rather than ask something of it.
  private static let measured: Set = [
    "id", "fingerprint", "model_sha256", "accuracy", "accuracy_low", "accuracy_high", "n_correct",
    "n_done", "nfe_per_image", "gradients_per_image", "seconds_per_image",
    "attack_gradients_per_image", "attack_seconds_per_image", "started_at", "finished_at",
    "timesteps", "note", "error", "git_commit", "status", "replay_of", "deleted_at", "question",
    "run_group", "cpu_seconds_per_image", "peak_mebibytes", "joules_per_image",
    "gpu_joules_per_image", "gpu_peak_mebibytes", "external",
  ]

  /// The heading that shows a column of `runs`.
  package static func heading(of column: String) -> String { headings[column] ?? column }

  /// As few columns of `changes` as tell apart what can be told apart: a table without one of them
  /// would have rows that look the same.
  package static func distinguishing(_ changes: ResultTable) -> [String] {
    let others = Set(headings.values).union(["name", "status", "images", "gradients"])
    let asked = changes.columns.filter { !others.contains($0) }
    var (chosen, kinds) = ([String](), 1)
    for column in telling.filter(asked.contains) + asked.filter({ !telling.contains($0) }) {
      let tuples = changes.rows.indices.map { row in
        (chosen + [column]).map { changes[row, $0] }
      }
      guard Set(tuples).count > kinds else { continue }
      chosen.append(column)
      kinds = Set(tuples).count
    }
    return chosen
  }

  /// One line a run: id, every column in which the runs were asked different things, number of
  /// images, accuracy with its interval, cost.
  ///
  /// - Parameter runs: rows of the view `runs`, other columns of the configuration added.
  package static func changes(_ runs: ResultTable) -> ResultTable {
    let summary = whole(runs)
    func cells(_ heading: String) -> [Cell] { summary.rows.indices.map { summary[$0, heading] } }
    let asked = runs.columns.filter { column in
      !measured.contains(column) && column != "images"
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
    for heading in ["images", "accuracy % (95 %)", "NFE", "gradients", "s/image"] {
      if heading != "gradients" || Set(cells(heading)).count > 1 {
        table = table.appending(heading, cells(heading))
      }
    }
    return table
  }

  /// One line a run: id, when, what, accuracy with its interval, cost.
  ///
  /// Columns that say the same of every run (no name, finished, no attack, no gradients, one seed)
  /// are left out; the number of images never is.
  ///
  /// - Parameters:
  ///   - runs: rows of the view `runs`.
  ///   - times: the reader's place in time; nil: nothing is said of when.
  ///   - asked: headings that somebody asked for, and that stay.
  package static func table(
    _ runs: ResultTable, times: TimeDisplay? = nil, asked: [String] = []
  ) -> ResultTable {
    var table = whole(runs)
    let usual: [String: Cell] = [
      "name": .null, "status": .text("finished"), "attack": .text("none"),
      "gradients": .text("0.0"),
    ]
    for (column, value) in usual
    where !asked.contains(column)
      && table.rows.indices.allSatisfy({ table[$0, column] == value })
    {
      table = table.dropping(column)
    }
    if Set(cells(runs, "seed")).count > 1 {
      table = table.inserting("seed", cells(runs, "seed"), before: "images")
    }
    if let times {
      let starts = cells(runs, "started_at").mapInParts { cell in
        cell.string.map { Cell.text(times.ago($0)) } ?? .null
      }
      table = table.inserting("when", starts, at: 1)
    }
    return table
  }

  /// A column; nulls where there is none.
  private static func cells(_ runs: ResultTable, _ column: String) -> [Cell] {
    guard let index = runs.columns.firstIndex(of: column) else {
      return runs.rows.map { _ in .null }
    }
    return runs.rows.map { $0[index] }
  }

  /// How cells of `table` and `changes` are set off: what did not end well, what still goes on.
  package static func emphasis(_ table: ResultTable) -> (Int, String) -> Emphasis? {
    { row, column in
      guard column == "status" else { return nil }
      return switch table[row, column].string {
      case "failed", "crashed": .worse
      case "running", "interrupted": .warning
      default: Emphasis.none
      }
    }
  }

  private static func whole(_ runs: ResultTable) -> ResultTable {
    ResultTable(
      columns: [
        "run", "name", "status", "classifier", "strategy", "grid", "weights", "attack", "images",
        "accuracy % (95 %)", "NFE", "gradients", "s/image",
      ],
      rows: Array(runs.rows.indices).mapInParts { i in
        func text(_ column: String) -> Cell { runs[i, column] }
        let accuracy: Cell =
          if let value = runs[i, .accuracy], let low = runs[i, .accuracyLow],
            let high = runs[i, .accuracyHigh]
          {
            .text("\(percent(value)) (\(percent(low))–\(percent(high)))")
          } else { .null }
        let classifier = classifier(runs, i)
        let done = runs[i, .nDone] ?? 0
        let count = runs[i, .images].map { images -> Cell in
          .text(done == images ? "\(Int(images))" : "\(Int(done))/\(Int(images))")
        }
        return [
          .text(String((runs[i, .id] ?? "").prefix(shortID))), text("name"),
          status(runs, i), classifier.isEmpty ? .null : .text(classifier),
          runs[i, .strategy].map { .text(strategy($0)) } ?? .null, text("grid"),
          text("weights"), .text(attack(runs, i)), count ?? .null, accuracy,
          round(runs[i, "nfe_per_image"], 1), round(runs[i, "gradients_per_image"], 1),
          round(runs[i, "seconds_per_image"], 3),
        ]
      })
  }

  /// A strategy's spelling; a long one, which lists its timesteps, without its middle.
  package static func strategy(_ spelling: String) -> String {
    spelling.shortened(to: 28, cut: .middle)
  }

  /// As `rdc (paper)`, `purify+cnn (sde:0.34:10)`, `cnn (smoothed 0.25:100:1000)` or `dc (bf16)`.
  package static func classifier(_ runs: ResultTable, _ row: Int) -> String {
    let name = runs[row, .classifier] ?? ""
    func text(_ column: Column<String>) -> String? {
      runs.columns.contains(column.name) ? runs[row, column] : nil
    }
    let around = [
      text(.lm) ?? text(.purify), text(.randomizedSmoothing).map { "smoothed \($0)" },
      text(.precision).flatMap { $0 == Precision.fp32.rawValue ? nil : $0 },
    ].compactMap(\.self)
    return around.isEmpty ? name : "\(name) (\(around.joined(separator: ", ")))"
  }

  /// `replayed` for a finished replay, so that nobody takes it for a live run.
  private static func status(_ runs: ResultTable, _ row: Int) -> Cell {
    let status = runs[row, "status"]
    return status == .text("finished") && runs[row, "replay_of"] != .null
      ? .text("replayed") : status
  }

  /// As `apgd-ce linf 8/255`, `none`, or `as in RUN` on the final images of another run.
  package static func attack(_ runs: ResultTable, _ row: Int) -> String {
    guard let name = runs[row, .attack] else {
      return runs[row, .inputsRun].map { "as in \($0.prefix(shortID))" } ?? "none"
    }
    return "\(name) \(threat(runs[row, .norm] ?? "", runs[row, .epsilon] ?? 0))"
  }

  /// As `linf 8/255`, of a norm as it is recorded.
  package static func threat(_ norm: String, _ epsilon: Double) -> String {
    AttackConfiguration.Norm(rawValue: norm)?.threat(epsilon) ?? "\(norm) \(decimal(epsilon))"
  }

  /// As `8/255` where it is that, else in decimal.
  package static func epsilon(_ value: Double) -> String {
    let levels = (value * 255).rounded()
    return levels >= 1 && abs(levels / 255 - value) < 1e-12
      ? "\(Int(nearest: levels))/255" : decimal(value)
  }

  static func decimal(_ value: Double) -> String {
    value.isFinite ? JSONValue.canonical(number: value) : "\(value)"
  }

  /// As `89.0`.
  package static func percent(_ share: Double) -> String { (100 * share).printed("%.1f") }

  static func round(_ cell: Cell, _ digits: Int) -> Cell {
    cell.number.map { .text($0.printed("%.\(digits)f")) } ?? .null
  }

  /// Accuracy against the NFE of every run that has images, lettered in order,
  /// with a legend; empty where there are fewer than two.
  ///
  /// - Parameter width: cells to fit into, ≥ 40.
  package static func tradeOff(_ runs: ResultTable, width: Int = 80) -> [String] {
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    var points: [ScatterPlot.Point] = []
    var legend: [String] = []
    for i in runs.rows.indices {
      guard let accuracy = runs[i, .accuracy], let low = runs[i, .nCorrect],
        let n = runs[i, .nDone], n > 0, points.count < letters.count
      else { continue }
      let cost = runs[i, .nfePerImage] ?? 0
      let mark = letters[points.count]
      points.append(
        .init(
          mark: mark, cost: cost, accuracy: accuracy,
          interval: WilsonInterval(successes: Int(low), of: Int(n))))
      legend.append("\(mark)  \(runs[i, .name]?.visible ?? short(runs[i, "id"]))")
    }
    guard points.count >= 2 else { return [] }
    let front = Set(paretoFront(points.map { ($0.cost, $0.accuracy) }))
    for i in front { legend[i] = legend[i].prefix(1).uppercased() + legend[i].dropFirst() }
    let plot = ScatterPlot(
      points, width: min(60, max(width - 10, 20)),
      costLabel: "network evaluations an image (NFE, log scale)")
    let title =
      "Accuracy against compute; bars are Wilson's 95 % intervals, capitals the Pareto front"
    return title.wrapped(to: width) + [""] + plot.lines() + [""]
      + legend.map { "        " + $0.shortened(to: width - 8, cut: .middle) }
  }
}
