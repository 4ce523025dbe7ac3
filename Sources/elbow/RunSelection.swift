import ArgumentParser
import Basics
import Records
import Reporting
import RunStore
import Statistics

/// Which runs: conditions that must all hold.
struct RunSelection: ParsableArguments {
  @Option(
    name: .customLong("where"),
    help: "Condition over the columns, as \"accuracy > 85% AND epsilon = 8/255\".")
  var condition: String?
  @Option(
    help: ArgumentHelp(
      "When they started: 'last 2 days', 'today', 'this week', '2026-05-31', 'after …'.",
      valueName: "range"))
  var started: String?
  @Option(
    help: ArgumentHelp(
      "r running, f finished, e failed, i interrupted, c crashed; several: fi.",
      valueName: "letters"))
  var status: String?

  /// All of them as one; nil where there is none.
  ///
  /// - Throws: `ElbowError` for what is out of form.
  func filter() throws -> RowFilter? {
    let filters = [
      try condition.map(RowFilter.init), try started.map { try RowFilter.started($0) },
      try status.map(RowFilter.status),
    ].compactMap(\.self)
    return filters.dropFirst().reduce(filters.first) { $0?.and($1) }
  }

  /// The runs that ids, or these conditions, name.
  ///
  /// - Parameter trashed: whether they are in the trash.
  /// - Returns: full ids, each once.
  /// - Throws: `ElbowError` where both name runs, or neither does.
  func runs(_ prefixes: [String], in store: RunStore, trashed: Bool = false) throws -> [String] {
    guard prefixes.isEmpty != isEmpty else {
      throw ElbowError(
        .malformed,
        "name the runs by their ids, or choose them with --where, --started or --status"
          + (isEmpty ? "" : ", not both"))
    }
    if isEmpty {
      return try store.runIDs(prefixes, trashed: trashed)
    }
    return try store.query(trashed ? .trash : .runs, where: filter(), columns: ["id"])
      .rows.compactMap { $0[0].string }
  }

  var isEmpty: Bool { condition == nil && started == nil && status == nil }
}

extension RunSelection {
  /// The runs named and those that meet the conditions, as one condition; nil where there is none.
  ///
  /// - Throws: `ElbowError` for what is out of form, or names no run.
  func filter(_ runs: [String], _ store: RunStore) throws -> RowFilter? {
    let conditions = try filter()
    guard !runs.isEmpty else { return conditions }
    let named = RowFilter.ids(try store.runIDs(runs))
    return conditions.map(named.and) ?? named
  }
}
