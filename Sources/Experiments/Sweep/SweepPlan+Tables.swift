import Basics
import Evaluation
import Foundation
import Records
import Reporting

extension SweepPlan {
  /// One row a cell, as numbers.
  package var table: ResultTable {
    let values = SweepCell.table(cells.map(\.values), flags)
    let rows = cells.enumerated().map { number, cell -> [Cell] in
      var run: Cell = .null
      var state = "new"
      switch cell.state {
      case .new: break
      case .done(let id): (state, run) = ("done", .text(id))
      case .begun(let id, _): (state, run) = ("begun", .text(id))
      case .running(let id): (state, run) = ("running", .text(id))
      }
      func integer(_ value: Int?) -> Cell { value.map { .integer(Int64($0)) } ?? .null }
      return [integer(number + 1)] + values.rows[number] + [
        integer(cell.images),
        cell.estimate.recordedEvaluations.map { .real($0) }
          ?? integer(cell.estimate.cost.own.evaluations),
        integer(cell.estimate.cost.own.gradients), integer(cell.estimate.cost.attack?.evaluations),
        integer(cell.estimate.cost.attack?.gradients),
        integer(cell.estimate.isBound ? 1 : 0),
        .real(cell.secondsLeft),
        cell.secondsLeft > 0 ? .text(cell.estimate.origin.rawValue) : .null, .text(state), run,
      ]
    }
    return ResultTable(
      columns: ["cell"] + values.columns + [
        "images_in_cell", "nfe_per_image", "gradients_per_image", "attack_nfe_per_image",
        "attack_gradients_per_image", "is_bound", "seconds_left", "seconds_from", "state", "run",
      ], rows: rows)
  }

  /// One row a cell, for reading.
  package var summary: ResultTable {
    let full = table
    func text(_ i: Int, _ column: String) -> String? {
      full[i, column].number.map { String(format: "%.0f", $0) }
    }
    var result = ResultTable(
      columns: ["cell"] + flags,
      rows: cells.indices.map { i in
        [full[i, "cell"]] + flags.map { cells[i].values[$0].map { .text($0) } ?? .null }
      })
    result = result.appending("n", cells.map { .integer(Int64($0.images)) })
    result = result.appending(
      "NFE",
      cells.indices.map { i in
        .text((full[i, "is_bound"] == .integer(1) ? "≤ " : "") + (text(i, "nfe_per_image") ?? ""))
      })
    for (heading, column) in [
      ("gradients", "gradients_per_image"), ("attack NFE", "attack_nfe_per_image"),
      ("attack gradients", "attack_gradients_per_image"),
    ] where full.rows.indices.contains(where: { full[$0, column].number ?? 0 > 0 }) {
      result = result.appending(
        heading, full.rows.indices.map { text($0, column).map { .text($0) } ?? .null })
    }
    return result.appending(
      "time",
      cells.map { cell in
        cell.secondsLeft > 0 ? .text(Durations.clock(cell.secondsLeft)) : .null
      }
    ).appending(
      "from", cells.map { $0.secondsLeft > 0 ? .text($0.estimate.origin.rawValue) : .null }
    ).appending(
      "state",
      cells.map { cell in
        switch cell.state {
        case .new: .text("new")
        case .done(let id): .text("done: \(id.prefix(RunSummary.shortID))")
        case .begun(let id, let done): .text("\(done) done: \(id.prefix(RunSummary.shortID))")
        case .running(let id): .text("running: \(id.prefix(RunSummary.shortID))")
        }
      })
  }

  /// One line on the whole.
  package var total: String {
    func count(_ match: (PlannedCell.State) -> Bool) -> Int { cells.count { match($0.state) } }
    var parts = [
      "\(count { if case .done = $0 { true } else { false } }) done",
      "\(count { if case .begun = $0 { true } else { false } }) begun",
      "\(count { if case .running = $0 { true } else { false } }) running elsewhere",
      "\(count { $0 == .new }) new",
    ].filter { !$0.hasPrefix("0 ") }
    if repeated > 0 { parts.append("\(repeated) left out that ask the same as another") }
    let left = cells.filter { $0.secondsLeft > 0 }
    let seconds = left.reduce(0) { $0 + $1.secondsLeft }
    let origins = Set(left.map(\.estimate.origin)).map { origin in
      origin == .runs ? "from recorded runs on this machine" : "from a measured probe"
    }.sorted()
    return "\(cells.count.counted("cell")): \(parts.joined(separator: ", "))"
      + (left.isEmpty
        ? "" : "; about \(Durations.clock(seconds)), \(origins.joined(separator: " and "))")
  }
}
