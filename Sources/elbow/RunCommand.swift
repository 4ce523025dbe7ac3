import Analysis
import ArgumentParser
import Evaluation
import Foundation
import Records
import RunStore

/// Classifies images, clean or under attack, and records everything.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Classify images, clean or attacked, and record the run.",
    discussion: """
      Every flag can stand in a YAML file given with -c, without its dashes; flags override it. \
      Ctrl-C interrupts a run in good order, --resume goes on with it.
      """)

  @OptionGroup(title: "What to compute") var options: RunOptions

  @Option(help: "Name of the run.") var name: String?
  @Option(help: "Group that the run belongs to.") var group: String?
  @Option(help: ArgumentHelp("Tag, may be repeated.", valueName: "key=value")) var tag: [String] =
    []
  @Option(help: "Free text kept with the run.") var note: String?
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: "Images in flight at once, at most one a thread (default: that).") var batch: Int?
  @Option(help: ArgumentHelp("Interrupt after this time, as 90s, 30m or 2h.")) var budget: String?
  @Option(help: ArgumentHelp("Go on with a run that was interrupted or killed.", valueName: "run"))
  var resume: String?
  @Option(
    name: [.customShort("c"), .customLong("config")],
    help: ArgumentHelp("YAML file of flags.", valueName: "file"))
  var config: String?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    var recording = Recording(request: try options.request(), database: database.path)
    (recording.name, recording.group, recording.note) = (name, group, note)
    recording.tags = try Self.tags(tag)
    for (flag, value) in [("--threads", threads), ("--batch", batch)] {
      if let value, !(1...1024).contains(value) {
        throw ConfigurationError("\(flag) must be 1 to 1024, got \(value)")
      }
    }
    recording.threads = threads ?? recording.threads
    recording.batch = batch
    recording.budget = try budget.map(Self.seconds)
    recording.label = name ?? "run"

    let outcome: Recording.Outcome
    if let resume {
      if let flag = Self.flagThatChangesRuns(in: CommandLine.arguments) {
        throw ConfigurationError(
          "--resume goes on as the run was begun, so \(flag) cannot be given; --db, --threads, "
            + "--batch, --budget and --format can")
      }
      outcome = try Recording.resume(resume, with: recording)
    } else {
      outcome = try recording.start()
    }
    defer { outcome.store.close() }
    try Self.report(outcome, format.format)
  }

  /// Shows the run, and ends the program as the run ended.
  static func report(_ outcome: Recording.Outcome, _ format: TableFormat) throws {
    let runs = try outcome.store.query("runs", where: RowFilter("id = '\(outcome.id)'"))
    switch format {
    case .table: try format.write(RunSummary.table(runs))
    case .json: try Output.write(format.object(runs.columns, runs.rows[0]) + "\n")
    default: try Output.write(format.render(runs))
    }
    try warnOfMaskedGradients(outcome)
    switch outcome.ending.status {
    case .finished: break
    case .failed:
      Output.error("elbow: run \(outcome.id) failed: \(outcome.ending.error ?? "")")
      throw ExitCode(1)
    case .interrupted:
      Output.error(
        "elbow: \(outcome.isOutOfTime ? "time is up" : "interrupted"); go on with: "
          + "\(Output.program) run --resume \(outcome.id)")
      throw ExitCode(outcome.isOutOfTime ? 0 : 130)
    }
  }

  /// An attack whose gradients vanish proves nothing.
  static func warnOfMaskedGradients(_ outcome: Recording.Outcome) throws {
    let summary = try outcome.store.query("attack-summary", ["run": outcome.id])
    guard let share = summary[0, "zero_gradients"].number, share > 0.05 else { return }
    Output.error(
      "elbow: \(RunSummary.percent(share)) % of the attack's gradient pixels were exactly zero: the "
        + "defence may only seem robust; attack with apgd-margin or apgd-dlr, or lower --logit-scale"
    )
  }

  /// The first flag that says what a run computes or is called.
  private static func flagThatChangesRuns(in arguments: [String]) -> String? {
    let harmless = ["db", "threads", "batch", "budget"]
    let names = RunOptions.names.filter { !harmless.contains($0) } + ["config"]
    let flags = Set(names.flatMap { ["--\($0)", "--no-\($0)"] } + ["-c"])
    return arguments.lazy.map { String($0.prefix { $0 != "=" }) }.first(where: flags.contains)
  }

  /// Tags from `KEY=VALUE` texts.
  static func tags(_ texts: [String]) throws -> [String: String] {
    try texts.reduce(into: [:]) { tags, text in
      let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[0].isEmpty else {
        throw ConfigurationError("--tag needs KEY=VALUE, got '\(text)'")
      }
      tags[String(pair[0])] = String(pair[1])
    }
  }

  /// `90s`, `30m`, `2h`, or plain seconds.
  static func seconds(_ text: String) throws -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    let digits = unit == nil ? text[...] : text.dropLast()
    guard let value = Double(digits), value > 0, value.isFinite else {
      throw ConfigurationError("--budget needs a time as 90s, 30m or 2h, got '\(text)'")
    }
    return value * (unit ?? 1)
  }
}
