import ArgumentParser
import Basics
import Queries
import Records
import Reporting
import RunStore
import Statistics

/// Prints the points of a run's metrics.
struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Print the points of a run's metrics.",
    discussion: """
      'elbow show' has the last, least, greatest and mean value of each.

      EXAMPLE:
        elbow metrics "another program" loss
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @Argument(help: ArgumentHelp("Metrics (default: all).", valueName: "key"))
  var names: [String] = []
  @Flag(help: "Points of steps that were logged again as well: counts is 0.") var repeated = false
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let store = try database.read()
    let id = try store.runID(prefix)
    let known = try store.query(.metricSeries(of: id)).rows.compactMap { $0[0].string }
    for name in names where !known.contains(name) {
      throw ElbowError(
        .unknownName,
        "run \(id) has no metric '\(name)'"
          + (known.isEmpty ? ", nor any other" : didYouMean(name, among: known)))
    }
    let points = try store.query(.metricPoints(of: id, names: names, repeated: repeated))
    if points.rows.isEmpty, format.format == .table { return Output.error("no metrics") }
    try format.write(Self.naming(repeated ? points : points.dropping("counts")))
  }

  /// With NaN for values that are not a number.
  static func naming(_ metrics: ResultTable) -> ResultTable {
    metrics.namingNaN(in: ["value", "last", "min", "max", "mean"])
  }
}
