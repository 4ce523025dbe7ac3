import ArgumentParser
import Basics
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore

/// Runs every combination of the values in a file.
struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep", abstract: "Run every combination of the values in a file.",
    usage: """
      elbow sweep <file> [--plan] [--again] [--<flag of run> <value> ...]
      """,
    discussion: """
      The file has flags of 'elbow run' as keys, as a file for its -c has, and where that has one \
      value, a list of values, or a range: seed: 0...4, strategy: uniform:1...8. Every combination \
      is a cell, but those that match an item of 'exclude': a mapping from flags to values, or a \
      condition as --where takes it. Each item of 'cases' is a mapping from flags to values that \
      belong together; a cell takes one of them.

      The plan comes first: what every cell costs and where it stands. Cells that are recorded as \
      finished, with the same configuration, images, attack, seeds and code, are not run again; \
      uncommitted changes make other code, unless they are the same. Cells that were broken off go \
      on where they were, so that the same command goes on with a sweep after any interruption. \
      Flags of 'elbow run' after the file take the place of what it says of them.

      Many machines share a sweep by --shard, each with a file of its own; 'elbow merge' brings them \
      together. --slurm writes a script of it: 'bash job.sh' submits an array of tasks, with time and \
      memory by the plan, whose files lie in FILE.parts beside the database when they end or are told \
      to stop, and a job after them that merges and verifies. A task that is submitted again goes on.

      EXAMPLE:
        elbow sweep grid.yaml --plan
        elbow sweep grid.yaml --images 50
        elbow sweep grid.yaml --slurm --tasks 2 > job.sh
      """)

  @Argument(help: "YAML file.") var file: String
  @Flag(help: "Show the plan and run nothing.") var plan = false
  @Flag(help: "Run cells that are recorded already, too.") var again = false
  @Option(help: ArgumentHelp("Group of the runs (default: the file's name).")) var group: String?
  @OptionGroup var options: RunOptions
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: "Images in flight at once, at most one a thread (default: that).") var batch: Int?
  @Option(help: ArgumentHelp("Interrupt after this time, as 90s, 30m or 2h.")) var budget: String?
  @Option(
    help: ArgumentHelp(
      "Only the K-th of N parts of the cells: every N-th; 'elbow merge' brings the parts together.",
      valueName: "k/n"))
  var shard: String?
  @OptionGroup var slurm: SlurmOptions
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  /// Cells of the plan that are shown before a sweep is run.
  private static let shown = 40

  func run() throws {
    let sweep = try SweepFile(file, overrides: options.set)
    func count(_ flag: String, _ given: Int?) throws -> Int? {
      guard let text = given.map(String.init) ?? sweep.settings[flag] else { return nil }
      guard let value = Int(text), (1...1024).contains(value) else {
        throw ElbowError(.malformed, "`\(flag)` must be 1 to 1024, got \(text)")
      }
      return value
    }
    var database = database
    database.db = database.db ?? sweep.settings["db"]
    let labels = try RunLabels(
      checking: sweep.settings["name"],
      group: group ?? sweep.settings["group"]
        ?? URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent,
      note: sweep.settings["note"], tags: sweep.tags)
    let budget = try (budget ?? sweep.settings["budget"]).map(RunCommand.seconds)
    CurrentCode.findOut()
    let session = Session(
      threads: try count("threads", threads), watch: Output.watch, arguments: Output.arguments)
    let interruption = Interruption(session.workers, budget: plan ? nil : budget)
    let template = Experiment(
      RunRequest(), labels: labels, batch: try count("batch", batch))
    let exists = FileManager.default.fileExists(atPath: database.path)
    let plan: SweepPlan
    do {
      plan = try SweepPlan(
        sweep.cells(), constants: sweep.constants, template, in: session,
        reading: exists ? database.read() : nil, again: again,
        shard: try shard.map { try Shard($0) })
    } catch is CancellationError {
      throw ExitCode(interruption.isOutOfTime ? 0 : 130)
    }
    if slurm.slurm {
      return try Output.write(
        slurm.script(
          plan, of: file, flags: options.set.flatMap { ["--set", $0] },
          group: labels.group ?? "", threads: session.workers.count, into: database.path))
    }
    try show(plan)
    if !self.plan { try carryOut(plan, session, interruption, database) }
  }

  private func show(_ sweep: SweepPlan) throws {
    if plan {
      try format.write(
        format.format == .table
          ? sweep.summary : sweep.table)
    } else {
      var table = sweep.summary
      table.rows = Array(table.rows.prefix(Self.shown))
      Output.note(TableFormat.table.render(table), terminator: "")
      let rest = sweep.cells.count - table.rows.count
      if rest > 0 { Output.note("… and \(rest) more; --plan shows them all") }
    }
    Output.note("elbow: \(sweep.total)")
    if sweep.code.isDirty {
      Output.note(
        "elbow: the code has uncommitted changes: only runs with just the same ones count as done")
    }
  }

  private func carryOut(
    _ plan: SweepPlan, _ session: Session, _ interruption: Interruption, _ database: DatabaseOption
  ) throws {
    let store = try database.record()
    defer { store.close() }
    var sweep = Sweep(plan)
    try sweep.run(in: session, into: store) {
      interruption.isRaised
    } finished: {
      try RunOutcome.warnOfMaskedGradients($0, store)
    }
    if !sweep.ids.isEmpty {
      let runs = try CompareCommand.rows(sweep.ids, store)
      try format.write(
        format.format == .table ? RunSummary.table(runs) : runs)
    }
    for failure in sweep.failures {
      Output.error(
        "elbow: cell \(failure.number)\(failure.label.isEmpty ? "" : " (\(failure.label))") failed"
          + (failure.run.map { ", run \($0)" } ?? "") + ": \(Output.spelled(failure.message))")
    }
    if interruption.isRaised {
      Output.error(
        "elbow: \(interruption.isOutOfTime ? "time is up" : "interrupted"); the same command goes on "
          + "with the sweep")
      throw ExitCode(interruption.isOutOfTime ? 0 : 130)
    }
    if !sweep.failures.isEmpty { throw ExitCode(1) }
  }
}
