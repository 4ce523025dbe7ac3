import ArgumentParser
import Foundation
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
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let store = try database.read()
    let page = try RunPage(
      store.runID(prefix), store, times: TimeDisplay(now: Date(), zone: .current))
    switch format.format {
    case .table: try Output.write(page.text(width: Output.width))
    case .json: try Output.write(page.json())
    default: try format.write(page.header)
    }
  }
}
