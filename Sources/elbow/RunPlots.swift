import ArgumentParser
import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore
import Statistics

/// Accuracy against compute.
struct AccuracyPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accuracy",
    abstract: "Accuracy against compute (NFE): Pareto front and 95 % intervals.",
    discussion: """
      Named runs are all drawn; of those that conditions choose, of each question and seed the \
      newest. Without either the finished clean runs are taken.

      EXAMPLE:
        elbow plot accuracy -o front.svg
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
      ?? .finishedClean
    var table = try store.query(.accuracyCost(of: store.ids(where: filter)))
    if runs.isEmpty {
      let whole = table.rows.count
      table.rows = table.rows.indices.filter { table[$0, "newest"] == .integer(1) }
        .map { table.rows[$0] }
      if table.rows.count < whole {
        let older = whole - table.rows.count
        Output.note(
          "elbow: \(older) of \(whole.counted("run")) \(older == 1 ? "is" : "are") not drawn, since another "
            + "asks the same with the same seed: a newer one, or of replays a live one; name runs to "
            + "draw them")
      }
    }
    guard !table.rows.isEmpty else {
      throw ElbowError(.missing, "no runs with results to draw; 'elbow runs' lists what there is")
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

      EXAMPLE:
        elbow plot epsilon --where "classifier = 'dc'"
      """)

  @Argument(
    help: ArgumentHelp(
      "Attacked runs: ids or their beginnings, @last, names, or groups.", valueName: "run"))
  var runs: [String] = []
  @OptionGroup(title: "Which runs") var selection: RunSelection
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    var filter = RowFilter.isPresent("attack").and(.above("n_done", 0))
    if let chosen = try selection.filter(runs, store) { filter = filter.and(chosen) }
    let points = try store.query(.accuracyByEpsilon(of: store.ids(where: filter)))
    guard !points.rows.isEmpty else {
      throw ElbowError(
        .missing,
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

      EXAMPLE:
        elbow plot evidence @last --image 3
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
      let rows = try store.query(.evidence(of: id, image: image))
      guard !rows.rows.isEmpty else { throw try Self.nothing(id, store, " of image \(image)") }
      return try options.write(
        Figure(evidenceOfImage: rows, classes: store.classNames(id), image: image, run: id))
    }
    let rows = try store.query(.evidence(of: id))
    guard !rows.rows.isEmpty else { throw try Self.nothing(id, store, "") }
    try options.write(Figure(evidence: rows, run: id))
  }

  private static func nothing(
    _ id: String, _ store: RunStore, _ what: String
  ) throws -> ElbowError {
    ElbowError(
      .inaccessible,
      "run \(id) has no losses\(what) to draw evidence from: it needs a diffusion classifier whose "
        + "strategy asks every class at the same timesteps, as full or uniform:N, and recorded losses"
    )
  }
}

/// How often one class was taken for another.
struct ConfusionPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "confusion", abstract: "How often a run took one class for another.",
    discussion: """
      EXAMPLE:
        elbow plot confusion @last
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    let id = try store.runID(prefix)
    let cells = try store.query(.confusion(of: id))
    try options.write(Figure(confusion: cells, classes: store.classNames(id), run: id))
  }
}
