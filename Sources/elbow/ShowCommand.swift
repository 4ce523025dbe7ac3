import ArgumentParser
import Basics
import Foundation
import Queries
import Reporting
import RunStore

/// Shows all about one run.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a run: configuration, provenance, accuracy, cost and confusion.",
    discussion: """
      EXAMPLE:
        elbow show @last
        elbow show @last --diff > changes.patch
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @Flag(help: "Print what was changed in its code since the commit, as 'git apply' takes it.")
  var diff = false
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    if diff, format.format != .table {
      throw ValidationError(
        "--diff prints a patch; 'elbow query code-changes run=RUN' gives it in any --format")
    }
  }

  func run() throws {
    let store = try database.read()
    if diff { return try writeChanges(store) }
    let page = try RunPage(
      store.runID(prefix), store, times: TimeDisplay(now: Date(), zone: .current))
    switch format.format {
    case .table: try Output.write(page.text(width: Output.width))
    case .json: try Output.write(page.json())
    default: try format.write(page.header)
    }
  }

  private func writeChanges(_ store: RunStore) throws {
    let changes = try store.query(.codeChanges(of: store.runID(prefix)))
    if changes.rows.isEmpty {
      Output.error("elbow: no changes are recorded: the code is that of the commit")
    } else if changes.rows.count > 1 {
      Output.error(
        "elbow: \(changes.rows.count) processes of other code each; their changes follow one another"
      )
    }
    for row in changes.rows.indices {
      // A binary patch ends in an empty line, which is not recorded.
      try Output.write(changes[row, "diff"].text(null: "") + "\n\n")
    }
  }
}
