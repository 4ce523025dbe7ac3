import ArgumentParser
import Basics
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import Statistics

/// A first look: real images, a handful of configurations, everything recorded.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Classify 100 test images with a handful of configurations, and compare them.",
    discussion: """
      EXAMPLE:
        elbow demo
        elbow demo --thorough --db thorough.db
      """)

  @OptionGroup var database: DatabaseOption

  @Flag(help: "500 images and up to 125 timesteps instead: the README's table, most of an hour.")
  var thorough = false
  @Option(help: "Images of every clean configuration (default: 100, thorough 500).")
  var images: Int?

  private struct Step {
    var name: String
    var classifier = Configuration.Classifier.dc
    var grid: String
    var weights = "edm"
    var strategy = "full"
    var lm: LikelihoodMaximization.Variant?
    var images = "100"
    var attack: AttackConfiguration?
  }

  private static var quickSteps: [Step] {
    var attack = AttackConfiguration(name: "apgd-margin", norm: .linf, epsilon: 0.1)
    attack.steps = 8
    let grid = "linear:0.05:3:20"
    var steps = [
      Step(name: "DC, whole grid", grid: grid),
      Step(name: "DC, 5 of 20 timesteps", grid: grid, strategy: "uniform:5"),
      Step(name: "DC, halving", grid: grid, strategy: "halving:4x4,1x20"),
      Step(name: "RDC, 5 of 20 timesteps", classifier: .rdc, grid: grid, strategy: "uniform:5"),
      Step(
        name: "DC under attack", grid: grid, strategy: "uniform:5", images: "5", attack: attack),
    ]
    for i in steps.indices { steps[i].weights = "snr" }
    return steps
  }

  private static var thoroughSteps: [Step] {
    let (whole, chosen) = ("linear:1e-4:3:125", "linear:0.05:3:125")
    var steps = [
      Step(name: "DC [1e-4, 3]", grid: whole),
      Step(name: "DC [1e-4, 3], 10 timesteps", grid: whole, strategy: "uniform:10"),
      Step(name: "DC [0.05, 3]", grid: chosen),
      Step(name: "DC [0.05, 3], 10 timesteps", grid: chosen, strategy: "uniform:10"),
      Step(name: "DC [0.05, 3], halving", grid: chosen, strategy: "halving:5x10,1x50"),
      Step(name: "RDC paper", classifier: .rdc, grid: chosen, lm: .paper),
      Step(name: "RDC released", classifier: .rdc, grid: chosen, lm: .released),
      Step(name: "optimal DC", classifier: .optimal, grid: chosen),
    ]
    for i in steps.indices { steps[i].images = "500" }
    return steps
  }

  func validate() throws {
    if let images, images < 1 {
      throw ValidationError("--images must be at least 1, got \(images)")
    }
  }

  func run() throws {
    var steps = thorough ? Self.thoroughSteps : Self.quickSteps
    if let images {
      for i in steps.indices where steps[i].attack == nil { steps[i].images = "\(images)" }
    }
    Output.note("Fashion-MNIST test images; \(steps.count) configurations\n")
    CurrentCode.findOut()
    let session = Session(watch: Output.watch, arguments: Output.arguments)
    let interruption = Interruption(session.workers, budget: nil)
    defer { withExtendedLifetime(interruption) {} }
    let store = try database.record()
    defer { store.close() }
    var ids: [String] = []
    for step in steps {
      var request = RunRequest()
      request.configuration.classifier = step.classifier
      request.configuration.grid = step.grid
      request.configuration.weights = step.weights
      request.lm.variant = step.lm
      request.configuration.strategy = step.strategy
      request.images = step.images
      request.attack = step.attack
      var experiment = Experiment(
        request,
        labels: RunLabels(name: step.name, group: thorough ? "thorough" : "demo"))
      experiment.title = step.name.padding(toLength: 23, withPad: " ", startingAt: 0)
      let outcome = try experiment.run(in: session, into: store)
      ids.append(outcome.id)
      guard outcome.ending.status == .finished else {
        return try RunOutcome(outcome, store: store, database: database, isOutOfTime: false)
          .report(.table)
      }
    }
    let runs = try CompareCommand.rows(ids, store)
    try Output.write("\n")
    try TableFormat.table.write(RunSummary.table(runs))
    let clean = ResultTable(
      columns: runs.columns,
      rows: runs.rows.filter { row in
        runs.columns.firstIndex(of: "attack").map { row[$0] == .null } ?? false
      })
    try Output.write(
      "\n" + RunSummary.tradeOff(clean, width: Output.width ?? 80).joined(separator: "\n") + "\n")
    if Output.isQuiet { return }
    let short = ids.map { $0.prefix(RunSummary.shortID) }
    let option = database.flag
    try Output.write(
      """

      Everything is recorded in \(database.path): inputs, timesteps, ELBOs, losses, attack, code.
      Try next:
        \(Output.program) show \(short[0])\(option)
        \(Output.program) compare \(short[0]) \(short[2])\(option)
        \(Output.program) runs --where "images >= \(steps[0].images) AND accuracy > 80%"\(option)

      """)
  }
}
