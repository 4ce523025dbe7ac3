import ArgumentParser
import Basics
import Queries
import Records
import Reporting
import RunStore
import Statistics

/// Which columns of the chosen runs, in which order, or groups of them.
struct RunTableOptions: ParsableArguments {
  @Option(help: "At most so many.") var limit: Int?
  @Option(help: ArgumentHelp("Columns to show, with commas between.", valueName: "columns"))
  var columns: String?
  @Option(help: ArgumentHelp("Columns to leave out.", valueName: "columns")) var drop: String?
  @Flag(help: "Only what differs between the runs, with accuracy and cost.")
  var onlyChanged = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Order, falling where a minus stands before: -accuracy,nfe_per_image.",
      valueName: "columns"))
  var sort: String?
  @Option(
    help: ArgumentHelp("Put runs with equal values there together.", valueName: "columns"))
  var groupBy: String?
  @Option(help: ArgumentHelp("Column that the runs of a group differ in.", valueName: "column"))
  var over: String?

  /// A table with the runs behind each of its rows.
  struct RunRows {
    var table: ResultTable
    var runs: [[String]]
  }

  func validate() throws {
    if let limit, limit < 0 { throw ValidationError("--limit must not be negative, got \(limit)") }
    if over != nil, groupBy == nil { throw ValidationError("--over needs --group-by") }
    if groupBy != nil, columns != nil || drop != nil || onlyChanged || limit != nil {
      throw ValidationError("--group-by has columns of its own; leave the other flags out")
    }
    if columns != nil, onlyChanged {
      throw ValidationError("--columns and --only-changed both choose columns; use one of them")
    }
  }

  /// The table of the runs that `filter` leaves.
  ///
  /// - Parameters:
  ///   - view: `runs`, or `trash`.
  ///   - isForReading: whether numbers are rounded and columns chosen for people.
  ///   - times: the reader's place in time, to say when; nil: it is not said.
  /// - Throws: `ElbowError` for unknown names, and for a group with two equal runs.
  func answer(
    _ store: RunStore, from view: String = "runs", where filter: RowFilter?, isForReading: Bool,
    times: TimeDisplay? = nil
  ) throws -> RunRows {
    if let groupBy {
      return try groups(Self.names(groupBy), store, filter, isForReading: isForReading)
    }
    var names = columns.map(Self.names)
    if onlyChanged {
      names = try store.query(QueryHandle(view), limit: 0).columns + store.configurationColumns
    } else if isForReading, names == nil {
      names = RunSummary.needed
    }
    let showsID = names?.contains("id") ?? true
    let runs = try store.query(
      QueryHandle(view), where: filter, columns: showsID ? names : (names ?? []) + ["id"],
      order: sort.map(Self.names) ?? [], limit: limit)
    let ids = runs.rows.indices.map { [runs[$0, "id"].text(null: "")] }
    let dropped = try store.columns(Self.names(drop ?? ""), of: view, flag: "`drop`")
    var table = showsID ? runs : runs.dropping("id")
    if isForReading, columns == nil {
      table = onlyChanged ? RunSummary.changes(runs) : RunSummary.table(runs, times: times)
    } else if onlyChanged {
      table = runs.changed
    }
    for name in dropped {
      table = table.dropping(isForReading ? RunSummary.heading(of: name) : name)
    }
    return RunRows(table: table, runs: ids)
  }

  private func groups(
    _ keys: [String], _ store: RunStore, _ filter: RowFilter?, isForReading: Bool
  ) throws -> RunRows {
    let over = over ?? "seed"
    var finished = RowFilter.equal("status", "finished")
    if let filter { finished = finished.and(filter) }
    let names = RunGroups.needed + (keys + [over]).filter { !RunGroups.needed.contains($0) }
    let runs = try store.query(
      .runs, where: finished, columns: names, order: sort.map(Self.names) ?? [])
    do {
      let groups = try RunGroups.table(runs, by: keys, over: over)
      return RunRows(
        table: isForReading ? RunGroups.summary(groups) : groups,
        runs: RunGroups.members(runs, by: keys))
    } catch let twins as RunGroups.Repetition {
      throw ElbowError(
        .malformed,
        "runs \(twins.first) and \(twins.second) are in one group and have the same \(over), "
          + "\(twins.value); 'elbow diff' tells what they differ in: add it to --group-by, or "
          + "choose with --where")
    }
  }

  /// Names with commas between.
  static func names(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
