import ArgumentParser
import Basics
import Foundation
import Queries
import Reporting
import RunStore
import Trackers

/// A tracking server that runs are sent to.
struct TrackerOptions: ParsableArguments {
  /// What kind of server it is.
  enum Kind: String, CaseIterable, ExpressibleByArgument { case mlflow }

  @Option(help: ArgumentHelp("Send the runs to a server: mlflow.", valueName: "tracker"))
  var to: Kind?
  @Option(
    help: ArgumentHelp("Experiment there (default: elbow).", valueName: "name"))
  var experiment: String?
  @Flag(help: "Send no reports and plots.") var noArtifacts = false

  /// - Parameters:
  ///   - words: address and runs.
  ///   - isPlain: whether nothing is asked that only files have.
  func validate(_ words: [String], isPlain: Bool) throws {
    guard to != nil else {
      guard experiment == nil, !noArtifacts else {
        throw ValidationError("--experiment and --no-artifacts go with --to mlflow")
      }
      return
    }
    guard isPlain else {
      throw ValidationError(
        "--to sends whole runs; leave --table, --output and the choice of rows and columns out")
    }
    guard experiment?.trimmed.isEmpty != true else {
      throw ValidationError("--experiment is empty; leave it out")
    }
  }

  /// The server, which a word names, or the environment; and the words that name runs.
  static func server(_ words: [String]) throws -> (server: MLflowServer, runs: [String]) {
    if let place = words.firstIndex(where: MLflowServer.isAddress) {
      let runs = words[..<place] + words[(place + 1)...]
      return (try MLflowServer(words[place]), Array(runs))
    }
    guard let address = ProcessInfo.processInfo.environment["MLFLOW_TRACKING_URI"],
      !address.isEmpty
    else {
      throw ElbowError(
        .malformed,
        "name the server, as http://127.0.0.1:5000, behind --to mlflow or in MLFLOW_TRACKING_URI")
    }
    return (try MLflowServer(address), words)
  }
}

extension ExportCommand {
  /// Sends runs to a server.
  func send() throws {
    let (server, words) = try TrackerOptions.server(runs)
    let store = try database.read()
    let ids = try store.query(.runs, where: selection.filter(words, store), columns: ["id"])
      .rows.compactMap { $0[0].string }
    guard !ids.isEmpty else { return Output.error("elbow: no runs meet the condition") }
    let export = MLflowExport(
      store, to: server, experiment: tracker.experiment ?? "elbow",
      artifacts: !tracker.noArtifacts, watch: Output.watch)
    let sent = try export.send(ids.reversed())
    Output.progress.end()
    let table = ResultTable(
      columns: ["run", "mlflow_run", "state", "points", "artifacts"],
      rows: sent.map { run in
        [run.run, run.id, run.state].map { .text($0) }
          + [run.points, run.artifacts].map { .integer(Int64($0)) }
      })
    try (format?.table ?? .table).write(table, keepsAll: true)
  }
}
