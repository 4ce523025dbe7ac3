import ArgumentParser
import Basics
import Evaluation
import Experiments
import Records
import Reporting
import RunStore

/// Runs the checks that an attack must pass to be believed.
struct SanityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sanity",
    abstract: "Run the checks that an attack must pass to be believed, and record them.",
    usage: """
      elbow sanity <run> [--images <images>]
      elbow sanity -c <file> [--images <images>]
      """,
    discussion: """
      From the configuration of a run, or of a YAML file of 'elbow run', and its attack's budget: one \
      step against iterations, more iterations, larger budgets, noise and queries against gradients, \
      known against fresh noise, and gradients that vanish, mislead, or differ between draws. The \
      runs are recorded in the group 'sanity' and not made twice; so are the checks, as metrics. Exit \
      status 1 where a check fails.

      EXAMPLE:
        elbow run --classifier cnn --model fashion-mnist-cnn --images 10
        elbow sanity @last --queries 100
      """)

  @OptionGroup var asked: AskedRequest
  @Option(help: "Looks of the attacks without gradients.") var queries = 1000
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: ArgumentHelp("Interrupt after this time, as 90s, 30m or 2h.")) var budget: String?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    if queries < 1 { throw ValidationError("--queries must be positive, got \(queries)") }
  }

  func run() throws {
    let store = try database.record()
    defer { store.close() }
    let request = try asked.request(store)
    let suite = try SanitySuite(request, queries: queries)
    let swept = SweptCells(
      cells: suite.cells, group: "sanity", threads: threads, budget: budget)
    let found = try swept.carryOut(store)
    var runs: [SanitySuite.Part: String] = [:]
    for (part, id) in zip(suite.parts.map(\.part), found.runs) { runs[part] = id }
    let probe = try GradientProbe(of: suite.base, count: 100, in: found.session)
    let report = try SanityReport(suite, runs: runs, probe, in: store)
    let id = try report.record(
      "checks of \(request.configuration.classifier.rawValue)", group: "sanity",
      arguments: Output.arguments, in: store)
    try format.write(
      format.format == .table ? report.table.dropping("value") : report.table)
    found.session.watch.note(
      "\(report.n.counted("image")) right when clean were attacked; recorded as run \(id)")
    if !report.passes { throw ExitCode(1) }
  }
}
