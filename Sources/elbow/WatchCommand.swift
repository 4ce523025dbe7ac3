import ArgumentParser
import Basics
import Foundation
import Reporting
import RunStore

/// Shows how a run goes on that another process records.
struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Show how a run goes on, whoever records it, until it has ended.",
    discussion: """
      What a terminal shows while a run is recorded, from any other one; then the run as a row. \
      Exit status 0 where it has finished, 1 where it has not. Ctrl-C ends the watching, never the \
      run.

      EXAMPLE:
        elbow watch
        elbow watch "DC, halving"
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name (default: @last).",
      valueName: "run"))
  var prefix = "@last"
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let id = try database.read().runID(prefix)
    var before: Int?
    while true {
      // Opened anew, which marks a run whose process has died.
      let store = try database.read()
      let state = try RunState(id, store)
      let begun = before ?? state.done
      before = begun
      Output.watch(state.update(before: begun))
      if state.status != "running" {
        Output.progress.end()
        return try finish(state, store)
      }
      Thread.sleep(forTimeInterval: 1)
    }
  }

  private func finish(_ state: RunState, _ store: RunStore) throws {
    let answer = try RunList().answer(
      store, where: .ids([state.id]), isForReading: format.format == .table)
    try format.write(answer.table)
    guard state.status == "finished" else {
      let isOpen = ["interrupted", "crashed"].contains(state.status)
      let remedy =
        try isOpen && store.recordedTotals(state.id)?.isOwn == true
        ? "; 'elbow run --resume \(state.id)' goes on with it" : ""
      Output.error(
        "elbow: run \(state.id) is \(state.status)\(state.reason)\(Output.spelled(remedy))")
      throw ExitCode(1)
    }
  }
}
