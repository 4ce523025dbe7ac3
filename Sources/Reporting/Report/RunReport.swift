import Basics
import Foundation
import Queries
import Records
import RunStore
import Statistics

/// The report on chosen runs, from the queries to the page.
package struct RunReport {
  private let runs: ResultTable
  private let store: RunStore
  private let database: String
  private let labels: [String: String]
  private let watch: WorkWatch

  /// - Parameters:
  ///   - runs: rows of the view `runs`.
  ///   - database: path of the store.
  ///   - watch: is told what is missing.
  package init(
    _ runs: ResultTable, _ store: RunStore, database: String, watch: WorkWatch = .none
  ) throws {
    guard !runs.rows.isEmpty else {
      throw ElbowError(.missing, "no runs to report on; 'elbow runs' lists what there is")
    }
    (self.runs, self.store, self.database, self.watch) = (runs, store, database, watch)
    let names = RunSummary.labels(runs)
    labels = Dictionary(
      runs.rows.indices.map { i in
        let id = runs[i, "id"].text(null: "")
        let short = String(id.prefix(RunSummary.shortID))
        return (id, names[i] == short ? short : "\(names[i]) (\(short))")
      }, uniquingKeysWith: { a, _ in a })
  }

  /// The page.
  ///
  /// - Throws: `ElbowError`.
  package func html() throws -> String {
    let ids = runs.rows.indices.map { runs[$0, "id"].text(null: "") }
    var report = HTMLReport(
      database: URL(fileURLWithPath: database).lastPathComponent,
      versions: "Elbow \(elbowVersion), SQLite \(RunStore.sqliteVersion)", runs: runs,
      provenance: try store.query(.provenance(of: ids)))
    report.plots = try plots(ids)
    report.comparisons = try comparisons()
    report.confusions = try ids.compactMap { id -> (label: String, figure: Figure)? in
      let cells = try store.query(.confusion(of: id))
      guard !cells.rows.isEmpty else { return nil }
      let figure = Figure(confusion: cells, classes: try store.classNames(id), run: id)
      return (labels[id] ?? id, figure)
    }
    return report.html
  }

  /// Accuracy of the clean runs against compute, and of the attacked ones against ε.
  private func plots(_ ids: [String]) throws -> [HTMLReport.Plot] {
    var figures: [Figure] = []
    var points = try store.query(.accuracyCost(of: ids))
    points.rows = points.rows.indices.filter { points[$0, "attack"] == .null }
      .map { points.rows[$0] }
    if points.rows.count > 1 { figures.append(Figure(accuracy: points)) }
    let budgets = try store.query(.accuracyByEpsilon(of: ids))
    if !budgets.rows.isEmpty { figures.append(Figure(epsilon: budgets)) }
    guard Gnuplot.path != nil else {
      if !figures.isEmpty {
        watch.note(
          "gnuplot is not installed, so the report's plots are in characters: 'apt-get install "
            + "gnuplot-nox'")
      }
      return figures.map { .text($0.text(width: 100)) }
    }
    return try figures.map {
      .svg(String(decoding: try Gnuplot.image(of: $0, .svg), as: UTF8.self))
    }
  }

  /// Runs on the same images under the same attack, against the most accurate of them.
  private func comparisons() throws -> [HTMLReport.Pairing] {
    var groups: [[Cell]: [Int]] = [:]
    var order: [[Cell]] = []
    for i in runs.rows.indices where (runs[i, .nDone] ?? 0) > 0 {
      let key = ["dataset", "split", "n_done", "attack", "norm", "epsilon"].map { runs[i, $0] }
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(i)
    }
    return try order.compactMap { key in
      let members = (groups[key] ?? []).sorted {
        ((runs[$1, .accuracy] ?? 0), $0) < ((runs[$0, .accuracy] ?? 0), $1)
      }
      guard members.count > 1 else { return nil }
      let ids = members.map { runs[$0, "id"].text(null: "") }
      // Equally many images need not be the same ones: each pair is on what the two share.
      let pairs = try ids.dropFirst().map { id in
        (id: id, counts: try Comparison([ids[0], id], store).pair(1))
      }.filter { $0.counts.n > 0 }
      guard !pairs.isEmpty else { return nil }
      let attack = RunSummary.attack(runs, members[0])
      return HTMLReport.Pairing(
        title:
          "\(Int(nearest: key[2].number ?? 0).counted("image")) of \(key[0].text(null: "several datasets")) "
          + "\(key[1].text(null: "")), \(attack == "none" ? "clean" : attack)",
        labels: ([ids[0]] + pairs.map(\.id)).map { labels[$0] ?? $0 }, pairs: pairs.map(\.counts))
    }
  }
}
