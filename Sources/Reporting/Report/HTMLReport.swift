import Basics
import Foundation
import Records
import Statistics

/// Runs as one web page without scripts and without anything from elsewhere.
public struct HTMLReport: Sendable {
  /// A plot: gnuplot's SVG, or the same in characters.
  public enum Plot: Sendable {
    /// The document, as gnuplot writes it.
    case svg(String)
    /// Lines of characters.
    case text([String])
  }

  /// Runs on the same images, each against the first.
  public struct Pairing: Sendable {
    /// What the runs share: images, attack.
    public var title: String
    /// Labels of the runs, the first being what the others are held against.
    public var labels: [String]
    /// A run's answers against the first's, from the second run on.
    public var pairs: [PairedCounts]

    /// The comparison as given.
    public init(title: String, labels: [String], pairs: [PairedCounts]) {
      precondition(pairs.count + 1 == labels.count, "\(pairs.count) pairs, \(labels.count) runs")
      (self.title, self.labels, self.pairs) = (title, labels, pairs)
    }
  }

  /// Where the runs lie, for the heading.
  public var database: String
  /// Versions of Elbow and SQLite that wrote the page.
  public var versions: String
  /// Rows of the view `runs`.
  public var runs: ResultTable
  /// Rows of the query `provenance`, in the same order.
  public var provenance: ResultTable
  /// Plots in order.
  public var plots: [Plot] = []
  /// Paired comparisons.
  public var comparisons: [Pairing] = []
  /// Confusion of each run that has images, with its label.
  public var confusions: [(label: String, figure: Figure)] = []

  /// A report on `runs`, its parts still empty.
  public init(
    database: String, versions: String, runs: ResultTable, provenance: ResultTable
  ) {
    (self.database, self.versions) = (database, versions)
    (self.runs, self.provenance) = (runs, provenance)
  }

  /// The page.
  public var html: String {
    let sections =
      [section("Runs", summary)]
      + plots.map { plot in
        switch plot {
        case .svg(let text): section(nil, "<figure>\(Self.adapted(svg: text))</figure>")
        case .text(let lines):
          section(nil, "<pre>\(lines.map(Self.escaped).joined(separator: "\n"))</pre>")
        }
      }
      + [
        comparisons.isEmpty ? "" : section("Paired comparisons", comparisons.map(table).joined()),
        confusions.isEmpty
          ? "" : section("Confusion", confusions.map { confusion($0.label, $0.figure) }.joined()),
        section("Provenance", origins),
      ]
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>Elbow: \(runs.rows.count.counted("run")) of \(Self.escaped(database))</title>
      <style>\(Self.style)</style>
      </head>
      <body>
      <h1>\(runs.rows.count.counted("run")) of \(Self.escaped(database))</h1>
      <p>\(Self.escaped(versions)). \(Self.escaped(period))</p>
      \(sections.filter { !$0.isEmpty }.joined(separator: "\n"))
      </body>
      </html>

      """
  }

  private var period: String {
    let times = runs.rows.indices.compactMap { runs[$0, .startedAt] }.sorted()
    guard let first = times.first, let last = times.last else { return "" }
    return first == last ? "Started \(first)." : "Started from \(first) to \(last)."
  }

  private func section(_ title: String?, _ body: String) -> String {
    "<section>\n\(title.map { "<h2>\($0)</h2>\n" } ?? "")\(body)</section>"
  }

  /// Text in which nothing is markup.
  static func escaped(_ text: String) -> String { TableFormat.html(text) }

  /// gnuplot's SVG in the page's own colours: black is the text's, the background is the page's.
  static func adapted(svg: String) -> String {
    var text = svg
    if let start = text.range(of: "<svg") { text.removeSubrange(..<start.lowerBound) }
    let changes = [
      ("fill=\"#ffffff\"/>", "fill=\"none\"/>"), ("\"black\"", "\"currentColor\""),
      ("'black'", "'currentColor'"), ("rgb(68,68,68)", "currentColor"),
      ("rgb(224, 224, 224)", "var(--rule)"),
    ]
    for (from, to) in changes { text = text.replacing(from, with: to) }
    return text
  }
}
