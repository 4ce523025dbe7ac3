import ArgumentParser
import Basics
import Foundation
import Records
import Reporting
import RunStore
import Statistics

/// Accuracy against compute.
struct AccuracyPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accuracy", abstract: "Accuracy against compute: front and 95 % intervals.",
    discussion: """
      Named runs are all drawn; of those that conditions choose, of each question and seed the \
      newest. Without either the finished clean runs are taken.
      """)

  @Argument(
    help: ArgumentHelp("Runs: ids or their beginnings, @last, names, or groups.", valueName: "run"))
  var runs: [String] = []
  @OptionGroup(title: "Which runs") var selection: RunSelection
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    let filter =
      try selection.filter(runs, store)
      ?? RowFilter("status = 'finished' AND attack IS NULL AND inputs_run IS NULL")
    var table = try store.query("accuracy-cost", ["runs": store.ids(where: filter)])
    if runs.isEmpty {
      let whole = table.rows.count
      table.rows = table.rows.indices.filter { table[$0, "newest"] == .integer(1) }
        .map { table.rows[$0] }
      if table.rows.count < whole {
        Output.error(
          "elbow: \(whole - table.rows.count) of \(whole) runs are older ones of the same question "
            + "and seed and are not drawn; name runs to draw them")
      }
    }
    guard !table.rows.isEmpty else {
      throw RunStoreError("no runs with results to draw; 'elbow runs' lists what there is")
    }
    try options.write(Figure(accuracy: table))
  }
}

/// Robust accuracy against the attacker's budget.
struct EpsilonPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "epsilon", abstract: "Accuracy under attack against the budget ε.",
    discussion: """
      A line for each configuration, a panel for each norm. Attacked runs count, all or those \
      chosen: an image is right where it is right when clean and under every attack recorded at \
      that ε.
      """)

  @Argument(
    help: ArgumentHelp(
      "Attacked runs: ids or their beginnings, @last, names, or groups.", valueName: "run"))
  var runs: [String] = []
  @OptionGroup(title: "Which runs") var selection: RunSelection
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    var filter = try RowFilter("attack IS NOT NULL AND n_done > 0")
    if let chosen = try selection.filter(runs, store) { filter = filter.and(chosen) }
    let points = try store.query("accuracy-by-epsilon", ["runs": store.ids(where: filter)])
    guard !points.rows.isEmpty else {
      throw RunStoreError(
        "no attacked runs to draw; make some with 'elbow run --attack pgd-margin --epsilon 8/255'")
    }
    try options.write(Figure(epsilon: points))
  }
}

/// What each noise level adds to the ELBO.
struct EvidencePlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence",
    abstract: "What each noise level adds to the ELBO, by class.",
    discussion: """
      The mean over images, of the true class and of the best other one; with --image the \
      contributions of every class for that image. From the run's recorded losses.
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @Option(help: ArgumentHelp("Index of one image in its split.", valueName: "index"))
  var image: Int?
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    let id = try store.runID(prefix)
    if let image {
      let rows = try store.query("evidence-image", ["run": id, "image": "\(image)"])
      guard !rows.rows.isEmpty else { throw try Self.nothing(id, store, " of image \(image)") }
      return try options.write(
        Figure(evidenceOfImage: rows, classes: store.classNames(id), image: image, run: id))
    }
    let rows = try store.query("evidence", ["run": id])
    guard !rows.rows.isEmpty else { throw try Self.nothing(id, store, "") }
    try options.write(Figure(evidence: rows, run: id))
  }

  private static func nothing(
    _ id: String, _ store: RunStore, _ what: String
  ) throws -> RunStoreError {
    RunStoreError(
      "run \(id) has no losses\(what) to draw evidence from: it needs a diffusion classifier whose "
        + "strategy asks every class at the same timesteps, as full or uniform:N, and recorded losses"
    )
  }
}

/// How often one class was taken for another.
struct ConfusionPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "confusion", abstract: "How often a run took one class for another.")

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    let id = try store.runID(prefix)
    let cells = try store.query("confusion", ["run": id])
    try options.write(Figure(confusion: cells, classes: store.classNames(id), run: id))
  }
}

/// Metrics of trainings.
struct TrainingPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training", abstract: "Loss, validation and other metrics of trainings by step.",
    discussion: "'elbow query trainings' lists trainings; without ids the newest is drawn.")

  @Argument(help: ArgumentHelp("Ids of trainings, or their beginnings.", valueName: "training"))
  var trainings: [String] = []
  @Option(
    help: ArgumentHelp(
      "Metrics to draw, with commas between (default: loss and what begins with validation).",
      valueName: "names"))
  var metrics: String?
  @Option(help: "Most points of a curve; more measurements are drawn as means of blocks.")
  var points = 300
  @OptionGroup var options: PlotOptions

  func validate() throws {
    if points < 2 { throw ValidationError("--points must be at least 2, got \(points)") }
  }

  func run() throws {
    let store = try options.database.read()
    let all = try store.query("trainings")
    func id(_ row: Int) -> String { all[row, "id"].text(null: "") }
    let rows = try trainings.map { prefix in
      let found = all.rows.indices.filter { id($0).hasPrefix(prefix.uppercased()) }
      guard let row = found.first, found.count == 1 else {
        throw RunStoreError(
          "\(found.count) trainings begin with '\(prefix)'; 'elbow query trainings' lists them",
          isUsage: true)
      }
      return row
    }
    let chosen = rows.isEmpty ? Array(all.rows.indices.prefix(1)) : rows
    guard !chosen.isEmpty else {
      throw RunStoreError("no trainings are recorded in \(store.path); 'elbow train' makes them")
    }
    let list = JSONValue.array(chosen.map { .string(id($0)) }).canonical
    let curves = try store.query("training-curves", ["trainings": list, "points": "\(points)"])
    let known = Set(curves.rows.indices.map { curves[$0, "name"].text(null: "") }).sorted()
    let wanted =
      metrics.map(RunTableOptions.names)
      ?? known.filter { $0 == "loss" || $0.hasPrefix("validation") }
    if let unknown = wanted.first(where: { !known.contains($0) }) {
      throw RunStoreError(
        "no metric '\(unknown)' of these trainings; there are \(known.joined(separator: ", "))"
          + didYouMean(unknown, among: known), isUsage: true)
    }
    let kept = curves.rows.indices.filter { wanted.contains(curves[$0, "name"].text(null: "")) }
    guard !kept.isEmpty else {
      throw RunStoreError("training \(id(chosen[0])) has recorded no metrics yet")
    }
    try options.write(
      Figure(
        training: ResultTable(columns: curves.columns, rows: kept.map { curves.rows[$0] }),
        of: ResultTable(columns: all.columns, rows: chosen.map { all.rows[$0] })))
  }
}
