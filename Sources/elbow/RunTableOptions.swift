import ArgumentParser
import Reporting
import RunStore

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

  /// Whether any of it was asked for.
  var isGiven: Bool {
    limit != nil || columns != nil || drop != nil || onlyChanged || sort != nil || groupBy != nil
  }

  /// The same as the library takes it.
  var list: RunList {
    RunList(
      columns: columns.map(RunList.names), dropped: RunList.names(drop ?? ""),
      onlyChanged: onlyChanged, order: RunList.names(sort ?? ""),
      groupedBy: groupBy.map(RunList.names), over: over ?? RunList.usualRepetition, limit: limit)
  }

  /// The table of the runs that `filter` leaves: see `RunList.answer`.
  func answer(
    _ store: RunStore, from view: String = "runs", where filter: RowFilter?, isForReading: Bool,
    times: TimeDisplay? = nil
  ) throws -> RunList.Answer {
    try list.answer(store, from: view, where: filter, isForReading: isForReading, times: times)
  }

  /// Names with commas between.
  static func names(_ text: String) -> [String] { RunList.names(text) }
}
