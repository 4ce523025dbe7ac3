import Analysis
import ArgumentParser
import Foundation
import Records
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
      value, a list of values, or a range: seed: 0..4, strategy: uniform:1..8. Every combination \
      is a cell, but those that match an item of 'exclude': a mapping from flags to values, or a \
      condition as --where takes it. Each item of 'cases' is a mapping from flags to values that \
      belong together; a cell takes one of them.

      The plan comes first: what every cell costs and where it stands. Cells that are recorded as \
      finished, with the same configuration, images, attack, seeds and code, are not run again; \
      uncommitted changes make other code, unless they are the same. Cells that were broken off go \
      on where they were, so that the same command goes on with a sweep after any interruption. \
      Flags of 'elbow run' after the file take the place of what it says of them.
      """)

  @Argument(help: "YAML file.") var file: String
  @Flag(help: "Show the plan and run nothing.") var plan = false
  @Flag(help: "Run cells that are recorded already, too.") var again = false
  @Option(help: ArgumentHelp("Group of the runs (default: the file's name).")) var group: String?
  @Option(
    help: ArgumentHelp(
      "Other value of a flag, may be repeated; --FLAG VALUE is short for it.",
      valueName: "flag=value"))
  var set: [String] = []
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: "Images in flight at once, at most one a thread (default: that).") var batch: Int?
  @Option(help: ArgumentHelp("Interrupt after this time, as 90s, 30m or 2h.")) var budget: String?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  /// Cells of the plan that are shown before a sweep is run.
  private static let shown = 40

  func run() throws {
    let sweep = try SweepFile(file, overrides: set)
    func count(_ flag: String, _ given: Int?) throws -> Int? {
      guard let text = given.map(String.init) ?? sweep.settings[flag] else { return nil }
      guard let value = Int(text), (1...1024).contains(value) else {
        throw ConfigurationError("--\(flag) must be 1 to 1024, got \(text)")
      }
      return value
    }
    var template = Recording(
      request: .init(), database: database.db ?? sweep.settings["db"] ?? database.path)
    template.threads = try count("threads", threads) ?? template.threads
    template.batch = try count("batch", batch)
    template.name = sweep.settings["name"]
    template.note = sweep.settings["note"]
    template.tags = try RunCommand.tags(sweep.tags)
    template.group =
      group ?? sweep.settings["group"]
      ?? URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    let budget = try (budget ?? sweep.settings["budget"]).map(RunCommand.seconds)
    let work = SharedWork(threads: template.threads, budget: plan ? nil : budget)
    template.shared = work

    var sweepPlan: SweepPlan
    do {
      sweepPlan = try SweepPlan(
        sweep.cells(), constants: sweep.constants, template, work, again: again)
    } catch is CancellationError {
      throw ExitCode(work.interruption.isOutOfTime ? 0 : 130)
    }
    try show(sweepPlan)
    if !plan { try carryOut(sweepPlan, work) }
  }

  private func show(_ sweep: SweepPlan) throws {
    if plan {
      try format.write(
        format.format == .table
          ? sweep.summary : sweep.table)
    } else {
      var table = sweep.summary
      table.rows = Array(table.rows.prefix(Self.shown))
      Output.error(TableFormat.table.render(table), terminator: "")
      let rest = sweep.cells.count - table.rows.count
      if rest > 0 { Output.error("… and \(rest) more; --plan shows them all") }
    }
    Output.error("elbow: \(sweep.total)")
    if sweep.code.isDirty {
      Output.error(
        "elbow: the code has uncommitted changes: only runs with just the same ones count as done")
    }
  }

  /// What came of a cell that did not finish.
  private struct Failure {
    var number: Int
    var label: String
    var run: String?
    var message: String
  }

  private func carryOut(_ sweep: SweepPlan, _ work: SharedWork) throws {
    var ids: [String] = []
    var failures: [Failure] = []
    var estimate = SweepClock()
    for (index, cell) in sweep.cells.enumerated() {
      if work.interruption.isRaised { break }
      let place = "[\(index + 1)/\(sweep.cells.count)]"
      var recording = cell.recording
      recording.label = "\(place) \(cell.label)"
      recording.remark = estimate.remark(
        later: sweep.cells[(index + 1)...].reduce(0) { $0 + $1.secondsLeft })
      let clock = ContinuousClock.now
      do {
        let outcome: Recording.Outcome
        // It may have changed since the plan: another process may share the sweep.
        switch try sweep.state(of: cell) {
        case .done(let id):
          ids.append(id)
          continue
        case .running(let id):
          Output.error("elbow: \(place) \(cell.label): run \(id) is another process's; passed over")
          continue
        case .begun(let id, _): outcome = try Recording.resume(id, with: recording)
        case .new: outcome = try recording.start()
        }
        defer { outcome.store.close() }
        ids.append(outcome.id)
        switch outcome.ending.status {
        case .finished: try RunCommand.warnOfMaskedGradients(outcome)
        case .interrupted: break
        case .failed:
          failures.append(
            Failure(
              number: index + 1, label: cell.label, run: outcome.id,
              message: outcome.ending.error ?? ""))
        }
        if outcome.ending.status == .finished {
          estimate.add((ContinuousClock.now - clock) / .seconds(1), of: cell.secondsLeft)
        }
      } catch {
        let run = try? sweep.state(of: cell)
        var id: String?
        if case .begun(let failed, _)? = run { id = failed }
        if let id { ids.append(id) }
        failures.append(Failure(number: index + 1, label: cell.label, run: id, message: "\(error)"))
      }
    }
    try report(ids, failures, sweep, work)
  }

  private func report(
    _ ids: [String], _ failures: [Failure], _ sweep: SweepPlan, _ work: SharedWork
  ) throws {
    if !ids.isEmpty {
      let store = try RunStore(sweep.database, for: .read)
      let runs = try CompareCommand.rows(ids, store)
      try format.write(
        format.format == .table ? RunSummary.table(runs) : runs)
    }
    for failure in failures {
      Output.error(
        "elbow: cell \(failure.number)\(failure.label.isEmpty ? "" : " (\(failure.label))") failed"
          + (failure.run.map { ", run \($0)" } ?? "") + ": \(failure.message)")
    }
    if work.interruption.isRaised {
      Output.error(
        "elbow: \(work.interruption.isOutOfTime ? "time is up" : "interrupted"); the same command "
          + "goes on with the sweep")
      throw ExitCode(work.interruption.isOutOfTime ? 0 : 130)
    }
    if !failures.isEmpty { throw ExitCode(1) }
  }
}
