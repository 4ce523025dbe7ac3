import Basics
import RunStore

/// How far a run has come, as its file says.
package struct RunState: Hashable, Sendable {
  /// Full id.
  package let id: String
  /// `running`, `finished`, `failed`, `interrupted` or `crashed`.
  package let status: String
  /// What went wrong, behind a colon; empty: nothing is known.
  package let reason: String
  /// Images classified; points of metrics in a run that has no images.
  package let done: Int
  /// Images asked for; nil: the run has none.
  package let total: Int?
  private let label: String
  private let remarks: [String]

  /// The run's state at this moment.
  ///
  /// - Parameter id: full id.
  /// - Throws: `ElbowError` where there is no such run.
  package init(_ id: String, _ store: RunStore) throws {
    let row = try store.query(
      .runs, where: .ids([id]),
      columns: ["status", "name", "n_done", "images", "accuracy", "error"]
    )
    guard row.rows.count == 1 else { throw ElbowError(.missing, "run \(id) is gone") }
    self.id = id
    status = row[0, "status"].text(null: "")
    label = row[0, "name"].text(null: "run")
    reason = row[0, "error"] == .null ? "" : ": " + row[0, "error"].text(null: "")
    let images = Int(nearest: row[0, "images"].number ?? 0)
    guard images == 0 else {
      (done, total) = (Int(nearest: row[0, "n_done"].number ?? 0), images)
      remarks =
        row[0, "accuracy"].number.map { ["accuracy \((1000 * $0).rounded() / 10) %"] } ?? []
      return
    }
    let series = try store.query("metric-series", ["run": id])
    (done, total) = (
      series.rows.indices.reduce(0) {
        $0 + Int(nearest: (series[$1, "steps"].number ?? 0) + (series[$1, "repeated"].number ?? 0))
      }, nil
    )
    remarks = series.rows.indices.prefix(3).map {
      "\(series[$0, "name"].text(null: "")) \(series[$0, "last"].text(null: "–"))"
    }
  }

  /// The state as what watches work takes it.
  ///
  /// - Parameter before: what was done when the watching began.
  package func update(before: Int) -> WorkUpdate {
    WorkUpdate(
      label, done, of: total, total == nil ? "points" : "images", before: before, remarks: remarks)
  }
}
