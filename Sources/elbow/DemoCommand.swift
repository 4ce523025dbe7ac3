import Analysis
import ArgumentParser
import Evaluation
import Foundation
import Records
import RunStore

/// A first look: real images, a handful of configurations, everything recorded.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Classify 100 test images with a handful of configurations, and compare them.")

  @OptionGroup var database: DatabaseOption

  private struct Step {
    var name: String
    var classifier = Configuration.Classifier.dc
    var strategy = "full"
    var images = "100"
    var attack: AttackConfiguration?
  }

  private static let grid = "linear:0.05:3:20"

  private static var steps: [Step] {
    var attack = AttackConfiguration(name: "apgd-margin", norm: .linf, epsilon: 0.1)
    attack.steps = 8
    return [
      Step(name: "DC, every level"),
      Step(name: "DC, 5 of 20 levels", strategy: "uniform:5"),
      Step(name: "DC, halving", strategy: "halving:4x4,1x20"),
      Step(name: "RDC, 5 of 20 levels", classifier: .rdc, strategy: "uniform:5"),
      Step(name: "DC under attack", strategy: "uniform:5", images: "5", attack: attack),
    ]
  }

  func run() throws {
    Output.error("Fashion-MNIST test images, noise levels \(Self.grid), weights snr\n")
    var ids: [String] = []
    for step in Self.steps {
      var request = RunRequest()
      request.configuration.classifier = step.classifier
      request.configuration.grid = Self.grid
      request.configuration.weights = "snr"
      request.configuration.strategy = step.strategy
      request.images = step.images
      request.attack = step.attack
      var recording = Recording(request: request, database: database.path)
      recording.name = step.name
      recording.group = "demo"
      recording.label = step.name.padding(toLength: 20, withPad: " ", startingAt: 0)
      let outcome = try recording.start()
      ids.append(outcome.id)
      guard outcome.ending.status == .finished else {
        return try RunCommand.report(outcome, .table)
      }
    }
    let store = try database.read()
    let runs = try CompareCommand.rows(ids, store)
    try Output.write("\n" + TableFormat.table.render(Self.summary(runs)))
    let clean = ResultTable(
      columns: runs.columns, rows: runs.rows.filter { row in
        runs.columns.firstIndex(of: "attack").map { row[$0] == .null } ?? false
      })
    try Output.write("\n" + RunSummary.tradeOff(clean).joined(separator: "\n") + "\n")
    let option = database.path == "elbow.db" ? "" : " --db \(database.path)"
    try Output.write(
      """

      Everything is recorded in \(database.path): inputs, timesteps, ELBOs, losses, attack, code.
      Try next:
        elbow show \(ids[0].prefix(RunSummary.shortID))\(option)
        elbow compare \(ids[0].prefix(RunSummary.shortID)) \(ids[2].prefix(RunSummary.shortID))\(option)
        elbow runs --where "group = 'demo' AND accuracy > 0.8"\(option)

      """)
  }

  /// What differs between the demo's runs.
  private static func summary(_ runs: ResultTable) -> ResultTable {
    let full = RunSummary.table(runs)
    let kept = ["run", "name", "strategy", "attack", "images", "accuracy %", "95 %", "NFE", "gradients", "s/image"]
    let indices = kept.compactMap { full.columns.firstIndex(of: $0) }
    return ResultTable(columns: kept, rows: full.rows.map { row in indices.map { row[$0] } })
  }
}
