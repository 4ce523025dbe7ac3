import ArgumentParser
import Basics
import Queries
import Records
import Reporting
import RunStore

/// Which curves, and how many points of them.
struct CurveOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Metrics to draw, with commas between.", valueName: "names"))
  var metrics: String?
  @Option(help: "Most points of a curve; more measurements are drawn as means of blocks.")
  var points = 300

  func validate() throws {
    if points < 2 { throw ValidationError("--points must be at least 2, got \(points)") }
  }

  /// The rows of the metrics asked for.
  ///
  /// - Parameters:
  ///   - curves: rows of a query of curves.
  ///   - isUsual: which metrics are drawn where none is asked for.
  /// - Throws: `ElbowError` for a metric that is not there.
  func chosen(
    _ curves: ResultTable, of what: String, where isUsual: (String) -> Bool
  ) throws -> ResultTable {
    let known = Set(curves.rows.indices.map { curves[$0, "name"].text(null: "") }).sorted()
    let wanted = metrics.map(RunTableOptions.names) ?? known.filter(isUsual)
    if let unknown = wanted.first(where: { !known.contains($0) }) {
      throw ElbowError(
        .unknownName,
        "no metric '\(unknown)' of \(what); there are \(known.joined(separator: ", "))"
          + didYouMean(unknown, among: known))
    }
    let kept = curves.rows.indices.filter { wanted.contains(curves[$0, "name"].text(null: "")) }
    guard !kept.isEmpty else { throw ElbowError(.missing, "\(what) have no metrics to draw yet") }
    return ResultTable(columns: curves.columns, rows: kept.map { curves.rows[$0] })
  }
}

/// Metrics that were logged of runs.
struct MetricsPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Logged metrics of runs by step.",
    discussion: """
      What 'elbow log' recorded; not-a-numbers and infinities are left out.

      EXAMPLE:
        elbow plot metrics "another program" --metrics loss,accuracy
      """)

  @Argument(
    help: ArgumentHelp("Runs: ids or their beginnings, @last, names, or groups.", valueName: "run"))
  var runs: [String]
  @OptionGroup var curves: CurveOptions
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    let ids = try store.runIDs(runs)
    let rows = try store.query(.metricCurves(of: ids, points: curves.points))
    try options.write(
      Figure(
        metrics: curves.chosen(rows, of: "these runs") { _ in true },
        of: CompareCommand.rows(ids, store)))
  }
}

/// Metrics of trainings.
struct TrainingPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training", abstract: "Loss, validation and other metrics of trainings by step.",
    discussion: """
      'elbow query trainings' lists trainings; without ids the newest is drawn, its loss and what \
      begins with validation.

      EXAMPLE:
        elbow plot training -o loss.svg
      """)

  @Argument(help: ArgumentHelp("Ids of trainings, or their beginnings.", valueName: "training"))
  var trainings: [String] = []
  @OptionGroup var curves: CurveOptions
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    let all = try store.query(.trainings)
    func id(_ row: Int) -> String { all[row, "id"].text(null: "") }
    let places = try trainings.map { prefix in
      let found = all.rows.indices.filter { id($0).hasPrefix(prefix.uppercased()) }
      guard let row = found.first, found.count == 1 else {
        throw ElbowError(
          .ambiguous,
          "\(found.count) trainings begin with '\(prefix)'; 'elbow query trainings' lists them")
      }
      return row
    }
    let chosen = places.isEmpty ? Array(all.rows.indices.prefix(1)) : places
    guard !chosen.isEmpty else {
      throw ElbowError(
        .missing, "no trainings are recorded in \(store.path); 'elbow train' makes them")
    }
    let rows = try store.query(
      .trainingCurves(of: chosen.map(id), points: curves.points))
    try options.write(
      Figure(
        training: curves.chosen(rows, of: "these trainings") {
          $0 == "loss" || $0.hasPrefix("validation")
        }, of: ResultTable(columns: all.columns, rows: chosen.map { all.rows[$0] })))
  }
}
