import Basics
import Foundation
import Queries
import Records
import RunStore
import Statistics

/// Runs on the images that all of them classified, each against the first.
public struct Comparison {
  /// Rows of the view `runs`.
  public let runs: ResultTable
  /// Rows of the query `comparison`, in the same order.
  private let shared: ResultTable
  private let ids: [String]
  private let store: RunStore

  package init(_ ids: [String], _ store: RunStore) throws {
    (self.ids, self.store) = (ids, store)
    shared = try store.query(.comparison(of: ids))
    let columns = try store.query(.runs, limit: 0).columns + store.configurationColumns
    let all = try store.query(.runs, where: .ids(ids), columns: columns)
    runs = ResultTable(
      columns: all.columns,
      rows: ids.compactMap { id in all.rows.first { $0.first == .text(id) } })
  }

  /// - Throws: `ElbowError` where the runs have not classified the same images; it names the first
  ///   that differs from the first of all.
  package func refuseUnequalInputs() throws {
    guard runs.rows.indices.contains(where: { count($0, "n") != done($0) }) else { return }
    for i in runs.rows.indices.dropFirst() {
      let both = ids.count == 2 ? self : try Comparison([ids[0], ids[i]], store)
      let n = both.count(0, "n")
      guard n != done(0) || n != done(i) else { continue }
      let inAll = ids.count == 2 ? "" : ", \(count(0, "n")) in all runs"
      throw ElbowError(
        .malformed,
        "runs \(ids[0]) and \(ids[i]) have not classified the same images (\(done(0)) and "
          + "\(done(i)), \(n) in both\(inAll)); "
          + (count(0, "n") == 0
            ? "they cannot be compared" : "compare on the shared ones with `common`"))
    }
  }

  private func done(_ row: Int) -> Int { Int(nearest: runs[row, .nDone] ?? 0) }
  private func count(_ row: Int, _ column: String) -> Int {
    Int(nearest: shared[row, column].number ?? 0)
  }

  /// A run against the first.
  package func pair(_ row: Int) -> PairedCounts {
    PairedCounts(
      both: count(row, "both"), b: count(row, "b"), c: count(row, "c"),
      neither: count(row, "neither"))
  }

  /// One line a run: what they differ in, accuracy and cost on the shared images, difference to the
  /// first.
  package var table: ResultTable {
    let pairs = runs.rows.indices.map(pair)
    func cells(_ cell: (PairedCounts) -> Cell) -> [Cell] {
      pairs.enumerated().map { $0 == 0 || $1.n == 0 ? .null : cell($1) }
    }
    return
      changes
      .appending("difference (95 %)", cells { .text(Self.points($0)) })
      .appending("bootstrap", cells { .text(Self.points($0.bootstrapInterval)) })
      .appending("p", cells { .text(String(format: "%.2g", $0.pValue)) })
  }

  /// Columns of the table that its rows are told apart by.
  package var distinguishing: [String] { RunSummary.distinguishing(changes) }

  /// What the runs differ in, accuracy and cost on the shared images.
  private var changes: ResultTable {
    var onShared = runs
    for i in runs.rows.indices where count(i, "n") > 0 {
      let (n, right) = (count(i, "n"), count(i, "n_correct"))
      let interval = WilsonInterval(successes: right, of: n)
      let values: [(String, Cell)] = [
        ("accuracy", .real(Double(right) / Double(n))), ("accuracy_low", .real(interval.low)),
        ("accuracy_high", .real(interval.high)), ("nfe_per_image", shared[i, "nfe_per_image"]),
        ("gradients_per_image", shared[i, "gradients_per_image"]),
        ("images", shared[i, "n"]), ("n_done", shared[i, "n"]),
      ]
      for (column, value) in values {
        if let index = runs.columns.firstIndex(of: column) { onShared.rows[i][index] = value }
      }
    }
    return RunSummary.changes(onShared)
  }

  /// As `−1.5 (−3.0 to 0.0)`.
  private static func points(_ pair: PairedCounts) -> String {
    "\(points(pair.delta)) (\(points(pair.deltaInterval)))"
  }

  private static func points(_ interval: ClosedRange<Double>) -> String {
    "\(points(interval.lowerBound)) to \(points(interval.upperBound))"
  }

  private static func points(_ share: Double) -> String { String(format: "%+.1f", 100 * share) }

  /// The images, and for two runs how they were answered.
  package var description: String {
    let n = count(0, "n")
    guard n > 0 else { return "The runs share no image.\n" }
    let other = runs.rows.indices.map { count($0, "n_other_pixels") }.max() ?? 0
    let pixels = other == 0 ? "" : ", \(other) of them with other pixels (attacked)"
    let head =
      "On the \(n.counted("image")) that \(ids.count == 2 ? "both" : "all") runs classified\(pixels)"
    guard ids.count == 2 else {
      return head + ":\ndifferences are to the first run, in points (95 %: "
        + "\(PairedCounts.deltaMethod.rawValue);\n\(Self.bootstrap) beside it); p is McNemar's exact "
        + "test.\n"
    }
    let p = pair(1)
    let table = ResultTable(
      columns: ["", "second right", "second wrong"],
      rows: [
        [.text("first right"), .integer(Int64(p.both)), .integer(Int64(p.b))],
        [.text("first wrong"), .integer(Int64(p.c)), .integer(Int64(p.neither))],
      ])
    return head + ":\n\n" + TableFormat.table.render(table)
      + """

      second − first: \(Self.points(p.delta)) points, 95 % interval \
      \(Self.points(p.deltaInterval)) (\(PairedCounts.deltaMethod.rawValue))
      \(Self.bootstrap): \(Self.points(p.bootstrapInterval))
      McNemar's exact test: p = \(String(format: "%.3g", p.pValue)); \
      \(count(1, "n_differ").counted("image")) answered differently

      """
  }

  private static let bootstrap =
    "\(PairedCounts.bootstrapMethod.rawValue) of \(PairedCounts.resamples) resamples"

  /// `runs`, `pairs` (each run against the first), and for two runs the pair's own keys beside them.
  package func json(flips: ResultTable?) -> String {
    let objects = runs.rows.map { TableFormat.json.object(runs.columns, $0) }
    var fields = ["\"runs\": [\n    \(objects.joined(separator: ",\n    "))\n  ]"]
    let table = pairTable
    let pairs = table.rows.map { TableFormat.json.object(table.columns, $0) }
    fields.append("\"pairs\": [\n    \(pairs.joined(separator: ",\n    "))\n  ]")
    if ids.count == 2 {
      let object = TableFormat.json.object(
        Self.pairColumns, Array(table.rows[0].dropFirst(2)))
      fields.append(String(object.dropFirst().dropLast()))
    }
    if let flips {
      let rows = flips.rows.map { TableFormat.json.object(flips.columns, $0) }
      fields.append("\"flips\": [\n    \(rows.joined(separator: ",\n    "))\n  ]")
    }
    return "{\n  \(fields.joined(separator: ",\n  "))\n}\n"
  }

  private static let pairColumns = [
    "n", "both", "b", "c", "neither", "delta", "p_value", "delta_low", "delta_high",
    "delta_method", "bootstrap_low", "bootstrap_high", "bootstrap_method", "n_differ",
  ]

  /// Each run but the first against the first: counts, the difference with its intervals, p.
  package var pairTable: ResultTable {
    ResultTable(
      columns: ["first", "second"] + Self.pairColumns,
      rows: runs.rows.indices.dropFirst().map { [.text(ids[0]), .text(ids[$0])] + cells($0) })
  }

  private func cells(_ row: Int) -> [Cell] {
    let p = pair(row)
    let (interval, bootstrap) = (p.deltaInterval, p.bootstrapInterval)
    return [p.n, p.both, p.b, p.c, p.neither].map { .integer(Int64($0)) } + [
      .real(p.delta), .real(p.pValue), .real(interval.lowerBound), .real(interval.upperBound),
      .text(PairedCounts.deltaMethod.rawValue), .real(bootstrap.lowerBound),
      .real(bootstrap.upperBound), .text(PairedCounts.bootstrapMethod.rawValue),
      .integer(Int64(count(row, "n_differ"))),
    ]
  }
}
