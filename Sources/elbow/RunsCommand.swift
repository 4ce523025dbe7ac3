import Analysis
import ArgumentParser
import Records
import RunStore

/// Lists recorded runs, newest first.
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List recorded runs, newest first.",
    discussion: """
      --where takes conditions over the columns of the view 'runs' and every other field of the
      configuration, with AND, OR, NOT, IN (…), LIKE, IS NULL, parentheses, fractions and
      percentages, as "accuracy > 85% AND (epsilon = 8/255 OR draws > 1)"; tags.KEY is a tag, and
      params., metrics. and attributes. may stand before a column. --columns, --drop, --sort and
      --group-by take the same names.

      --group-by takes finished runs that repeat one another over --over (default: seed) together:
      their number, mean, standard deviation and 95 % interval of the mean (Student's t).
      """)

  @OptionGroup(title: "Which runs") var selection: RunSelection
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
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

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

  func run() throws {
    let store = try database.read()
    let isTable = format.format == .table
    if let groupBy { return try writeGroups(Self.names(groupBy), store) }
    var names = columns.map(Self.names)
    if onlyChanged {
      names = try store.query("runs", limit: 0).columns + store.configurationColumns
    }
    let runs = try store.query(
      "runs", where: selection.filter(), columns: names, order: sort.map(Self.names) ?? [],
      limit: limit)
    let dropped = try store.columns(Self.names(drop ?? ""), of: "runs", flag: "--drop")
    if runs.rows.isEmpty, isTable {
      return Output.error("no runs\(selection.isEmpty ? "" : " that meet the condition")")
    }
    var table = runs
    if isTable, columns == nil {
      table = onlyChanged ? RunSummary.changes(runs) : RunSummary.table(runs)
    } else if onlyChanged {
      table = runs.changed
    }
    for name in dropped {
      table = table.dropping(isTable ? RunSummary.heading(of: name) : name)
    }
    // What was chosen by hand is not left out for want of room.
    if isTable, columns == nil, !onlyChanged { table = RunSummary.fit(table, Output.width) }
    try format.write(table)
  }

  private func writeGroups(_ keys: [String], _ store: RunStore) throws {
    let over = over ?? "seed"
    var filter = try RowFilter("status = 'finished'")
    if let selected = try selection.filter() { filter = filter.and(selected) }
    let names = RunGroups.needed + (keys + [over]).filter { !RunGroups.needed.contains($0) }
    let runs = try store.query(
      "runs", where: filter, columns: names, order: sort.map(Self.names) ?? [])
    do {
      let groups = try RunGroups.table(runs, by: keys, over: over)
      try format.write(format.format == .table ? RunGroups.summary(groups) : groups)
      if groups.rows.isEmpty, format.format == .table { Output.error("no finished runs") }
    } catch let twins as RunGroups.Repetition {
      throw RunStoreError(
        "runs \(twins.first) and \(twins.second) are in one group and have the same \(over), "
          + "\(twins.value); 'elbow diff' tells what they differ in: add it to --group-by, or "
          + "choose with --where", isUsage: true)
    }
  }

  private static func names(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
