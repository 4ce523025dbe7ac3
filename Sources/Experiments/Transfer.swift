import Basics
import Evaluation
import Records
import Reporting
import RunStore
import Statistics

/// Attacked runs' images before every other of these runs' classifiers: what was made against one may
/// break another.
package struct Transfer {
  /// Full ids of the attacked runs.
  package let runs: [String]
  /// The runs to be made: every classifier on the images of every other.
  package let cells: [SweepCell]

  /// The matrix of runs.
  ///
  /// - Parameters:
  ///   - runs: full ids.
  ///   - data: folder of the dataset's files; nil: where it was.
  ///   - store: where they are recorded.
  /// - Throws: `ElbowError` for runs that are not attacked, not finished, or fewer than two.
  package init(of runs: [String], data: String? = nil, in store: RunStore) throws {
    self.runs = runs
    guard runs.count >= 2 else {
      throw ElbowError(.malformed, "transfer needs two attacked runs at least")
    }
    let recorded = try runs.map(store.recordedRun)
    let requests = try recorded.map { try RunRequest(recorded: $0.invocation, of: $0.id) }
    let seeds = zip(recorded, requests).map { "\($0.fingerprint) \($1.seed)" }
    for (run, request) in zip(recorded, requests) {
      guard request.attack != nil, run.status == "finished" else {
        throw ElbowError(
          .malformed, "run \(run.id) is no finished attacked run, which transfer needs")
      }
    }
    var cells: [SweepCell] = []
    for source in runs.indices {
      for target in runs.indices where seeds[source] != seeds[target] {
        var request = requests[target]
        (request.attack, request.inputsRun) = (nil, runs[source])
        request.move(to: data)
        (request.images, request.recordsLosses) = (RunRequest().images, false)
        cells.append(
          SweepCell(
            request,
            [
              ("images of", String(runs[source].prefix(RunSummary.shortID))),
              ("classified by", String(runs[target].prefix(RunSummary.shortID))),
            ]))
      }
    }
    self.cells = cells
  }

  /// One row a classifier, one column the classifier that images were made against: accuracy on the
  /// images that were attacked, in percent with its interval and n.
  ///
  /// - Throws: `ElbowError`.
  package func matrix(in store: RunStore) throws -> ResultTable {
    let table = try store.query(.runs, where: .ids(runs))
    let labels = Dictionary(
      uniqueKeysWithValues: zip(
        table.rows.indices.map { table[$0, .id] ?? "" }, RunSummary.labels(table)))
    let answers = try self.answers(in: store)
    func cell(_ target: String, _ source: String) -> Cell {
      let row = answers.rows.indices.first {
        answers[$0, "classified_by"].string == target && answers[$0, "made_by"].string == source
      }
      guard let row, let accuracy = answers[row, .accuracy], let count = answers[row, .n],
        let n = Int(exactly: count), n > 0
      else { return .null }
      let interval = WilsonInterval(share: accuracy, of: n)
      return .text(
        "\(RunSummary.percent(accuracy)) (\(RunSummary.percent(interval.low))–"
          + "\(RunSummary.percent(interval.high))) n=\(n)")
    }
    return ResultTable(
      columns: ["classified by \\ made against"] + runs.map { labels[$0] ?? $0 },
      rows: runs.map { target in
        [.text(labels[target] ?? target)] + runs.map { cell(target, $0) }
      })
  }

  /// One row a pair, as numbers.
  ///
  /// - Throws: `ElbowError`.
  package func answers(in store: RunStore) throws -> ResultTable {
    try store.query(.transfer(of: runs))
  }
}
