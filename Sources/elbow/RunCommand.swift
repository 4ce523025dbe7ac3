import ArgumentParser
import Basics
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore

/// Classifies images, clean or under attack, and records everything.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Classify images, clean or attacked, and record the run.",
    usage: """
      elbow run [--images <n|a..b|a,b,c>] [--strategy <strategy>] [--attack <name>] …
      elbow run -c <file> [--<flag> <value> ...]
      elbow run --resume <run> [--data <dir>] [--engine <command>]
      """,
    discussion: """
      Every flag can stand in a YAML file given with -c, without its dashes; flags override it. \
      Ctrl-C interrupts a run in good order, --resume goes on with it.

      \(RunOptions.help)

      EXAMPLE:
        elbow run --images 200 --strategy uniform:5 --name "five timesteps"
      """)

  @OptionGroup var options: RunOptions
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
  @Option(
    help: ArgumentHelp(
      "Only the K-th of N parts of the images: every N-th; 'elbow merge' brings the parts together.",
      valueName: "k/n"))
  var shard: String?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    try Self.check(threads: threads, batch: batch)
    let seconds = try budget.map(Self.seconds)
    CurrentCode.findOut()
    let session = Session(threads: threads, watch: Output.watch, arguments: Output.arguments)
    let interruption = Interruption(session.workers, budget: seconds)
    let prepared: Experiment.Prepared
    do {
      prepared = try resume.map { try taken($0, session) } ?? begun(session)
      try announce(prepared, session)
    } catch is CancellationError where interruption.isOutOfTime {
      throw ElbowError(.late, "`budget` was over before the run could begin")
    }
    // Only a request that can be run makes a database.
    let store = try database.record()
    defer { store.close() }
    let outcome = try prepared.run(in: session, into: store)
    try RunOutcome(
      outcome, store: store, database: database, isOutOfTime: interruption.isOutOfTime,
      // Where its images are, a run that is begun records.
      flags: [("data", resume == nil ? nil : options.data), ("engine", options.engine)]
    ).report(format.format)
  }

  private func begun(_ session: Session) throws -> Experiment.Prepared {
    var request = try options.request()
    request.shard = try shard.map { try Shard($0) }
    let store = try request.inputsRun.map { _ in try database.read() }
    let labels = try RunLabels(checking: name, group: group, note: note, tags: tag)
    return try Experiment(request, labels: labels, batch: batch)
      .prepare(in: session, reading: store)
  }

  private func taken(_ prefix: String, _ session: Session) throws -> Experiment.Prepared {
    let store = try database.read()
    return try Experiment.resuming(
      store.recordedRun(prefix), of: store, in: session, batch: batch, data: options.data,
      engine: options.engine)
  }

  /// Says what is run, what was not said of it, and how long it takes.
  private func announce(_ run: Experiment.Prepared, _ session: Session) throws {
    if Output.isQuiet { return }
    let exists = FileManager.default.fileExists(atPath: database.path)
    var estimator = Estimator(session, exists ? try? RunStore(database.path, for: .read) : nil)
    let plain = try estimator.estimate(run, probes: false)
    // Timing the network takes a second: worth it where the run takes many.
    let evaluations = plain.cost.units * Double(run.header.inputs.count)
    let estimate =
      plain.secondsPerImage == nil && evaluations > 10_000
      ? try estimator.estimate(run, probes: true) : plain
    RunAnnouncement(run, estimate).lines.forEach(session.watch.note)
  }

  static func check(threads: Int?, batch: Int?) throws {
    for (flag, value) in [("threads", threads), ("batch", batch)] {
      if let value, !(1...1024).contains(value) {
        throw ElbowError(.malformed, "`\(flag)` must be 1 to 1024, got \(value)")
      }
    }
  }

  /// `90s`, `30m`, `2h`, or plain seconds.
  static func seconds(_ text: String) throws -> Double {
    guard let seconds = Durations.seconds(text) else {
      throw ElbowError(.malformed, "`budget` needs a time as 90s, 30m or 2h, got '\(text)'")
    }
    return seconds
  }
}
