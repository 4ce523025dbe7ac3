import ArgumentParser
import Basics
import Queries
import Records
import Reporting
import RunStore
import Statistics

/// Tells what two runs differ in.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Tell what two runs differ in: configuration, run, inputs, code, machine.",
    discussion: """
      Results are what 'elbow compare' holds against each other. A field that one of them has not \
      is null. Of a resumed run the first process counts.

      EXAMPLE:
        elbow diff @last~1 @last
      """)

  @Argument(
    help: ArgumentHelp(
      "A run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var first: String
  @Argument(help: ArgumentHelp("Id of another.", valueName: "run")) var second: String
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let store = try database.read()
    let table = try store.query(
      .diff(store.runID(first), store.runID(second)))
    guard format.format == .table else { return try format.write(table) }
    guard !table.rows.isEmpty else { return Output.error("the runs differ in nothing recorded") }
    try format.write(table, keepsAll: true)
  }
}
