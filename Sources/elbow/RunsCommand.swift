import ArgumentParser
import Basics
import Foundation
import Records
import Reporting
import RunStore
import Statistics

/// Lists recorded runs, newest first.
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List recorded runs, newest first.",
    discussion: """
      --where takes conditions over the columns of the view 'runs' and every other field of the \
      configuration, with AND, OR, NOT, IN (…), LIKE, IS NULL, parentheses, fractions and \
      percentages, as "accuracy > 85% AND (epsilon = 8/255 OR draws > 1)"; tags.KEY is a tag; \
      last(NAME), min(NAME), max(NAME) and mean(NAME) are of a logged metric, metrics.NAME is its \
      last value; params., metrics. and attributes. may stand before a column. --columns, --drop, \
      --sort and --group-by take the same names.

      --group-by takes finished runs that repeat one another over --over (default: seed) together: \
      their number and images, mean, standard deviation and 95 % interval of the mean on other images \
      and with other runs (Wilson's over images and Student's t over runs, squares added).

      EXAMPLE:
        elbow runs --where "accuracy > 85%" --sort -accuracy,nfe_per_image
        elbow runs --group-by classifier,strategy --where "attack IS NULL"
      """)

  @OptionGroup(title: "Which runs") var selection: RunSelection
  @Flag(help: "Those in the trash instead.") var deleted = false
  @Flag(help: "On a terminal, show them again every two seconds, until Ctrl-C.") var watch = false
  @OptionGroup var options: RunTableOptions
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    if deleted, options.groupBy != nil {
      throw ValidationError("--group-by is of finished runs; leave --deleted out")
    }
    if watch, !Output.isTerminal || format.format != .table {
      throw ValidationError("--watch draws a table on a terminal; leave it, or --format, out")
    }
  }

  /// Runs that a terminal shows unless a limit is given.
  private static let shown = 50

  func run() throws {
    guard watch else { return try show() }
    while true {
      try Output.write("\u{1B}[H\u{1B}[J")
      try show()
      Thread.sleep(forTimeInterval: 2)
    }
  }

  private func show() throws {
    let isTable = format.format == .table
    let store = try database.read()
    let view = deleted ? "trash" : "runs"
    var options = options
    let isCut = isTable && Output.isTerminal && options.limit == nil && options.groupBy == nil
    if isCut { options.limit = Self.shown }
    defer { if isCut { reportCut(store, view) } }
    let answer = try options.answer(
      store, from: view, where: selection.filter(),
      isForReading: isTable, times: TimeDisplay(now: Date(), zone: .current))
    if answer.table.rows.isEmpty, isTable {
      if options.groupBy != nil {
        try format.write(answer.table)
        return Output.error("no finished runs")
      }
      return Output.error(
        "no runs\(deleted ? " in the trash" : "")"
          + (selection.isEmpty ? "" : " that meet the condition"))
    }
    if let note = answer.note { Output.note("elbow: \(note)") }
    // What was chosen by hand is not left out for want of room.
    try format.write(
      answer.table, keepsAll: options.columns != nil, asked: answer.asked,
      remedy: options.groupBy == nil ? "--columns …, or a wider terminal" : nil)
    if options.groupBy != nil, isTable {
      let note = RunGroups.note.wrapped(to: Output.width ?? 100).joined(separator: "\n")
      try Output.write("\n\(note)\n")
    }
  }

  /// Says what a terminal's usual limit leaves out.
  private func reportCut(_ store: RunStore, _ view: String) {
    guard let total = try? store.count(view, where: selection.filter()),
      total > Self.shown
    else { return }
    Output.note("elbow: \(Self.shown) of \(total.counted("run")); --limit \(total) shows all")
  }
}
