import Basics
import Foundation
import Queries
import Reporting
import RunStore

/// Reports and plots.
extension MLflowExport {
  /// The files of a run that has results, as requests: `report.html`, and in `plots` which classes were
  /// confused and what each noise level adds, where that is recorded and gnuplot draws it.
  ///
  /// - Throws: `ElbowError`.
  func artifacts(of run: SentRun, _ copy: MLflowCopy) throws -> [MLflowServer.Call] {
    guard run.hasResults else { return [] }
    guard let folder = Self.served(copy.artifacts) else {
      watch.note(
        "report and plots of run \(run.id) are not sent: its artifacts lie at \(copy.artifacts), which the "
          + "server does not serve")
      return []
    }
    let table = try store.query(.runs, where: .ids([run.id]))
    let page = try RunReport(table, store, database: store.path, watch: watch).html()
    var calls = [
      MLflowServer.Call(
        putting: Data(page.utf8), type: "text/html; charset=utf-8", at: folder + "/report.html")
    ]
    guard Gnuplot.path != nil else { return calls }
    for (name, figure) in try plots(run.id) {
      calls.append(
        MLflowServer.Call(
          putting: try Gnuplot.image(of: figure, .svg), type: "image/svg+xml",
          at: "\(folder)/plots/\(name).svg"))
    }
    return calls
  }

  private func plots(_ run: String) throws -> [(name: String, figure: Figure)] {
    var plots: [(name: String, figure: Figure)] = []
    let cells = try store.query(.confusion(of: run))
    if !cells.rows.isEmpty {
      plots.append(
        ("confusion", Figure(confusion: cells, classes: try store.classNames(run), run: run)))
    }
    let evidence = try store.query(.evidence(of: run))
    if !evidence.rows.isEmpty { plots.append(("evidence", Figure(evidence: evidence, run: run))) }
    return plots
  }

  /// Where the server takes the files of such a place; nil: it does not.
  static func served(_ place: String) -> String? {
    guard place.hasPrefix("mlflow-artifacts:") else { return nil }
    var path = place.dropFirst("mlflow-artifacts:".count)
    if path.hasPrefix("//") { path = path.dropFirst(2).drop { $0 != "/" } }
    return "mlflow-artifacts/artifacts/" + path.drop { $0 == "/" }
  }
}
