import ArgumentParser
import Basics
import Foundation
import Queries
import Records
import RunStore

/// Logs metrics, and runs that other programs make.
struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "Log metrics of a run; record runs of other programs.",
    usage: """
      elbow log <run> <key=value> ... [--step <step>]
      elbow log <run> < points.jsonl
      elbow log new [--name <name>] [--group <group>] [--tag <key=value>] [--note <note>]
      elbow log end <run> [--status finished|failed|interrupted] [--error <message>]
      """,
    discussion: """
      Every point is kept. A metric is read by step; of a step that was logged more than once the \
      point that came last counts, and 'elbow metrics --repeated' shows the others. Without --step \
      a point belongs to the step after the run's greatest. Values may be nan, which counts as the \
      last value and is left out of minimum, maximum and mean, and inf or -inf.

      From standard input come lines of JSON, as {"step": 3, "loss": 0.25} (step may be missing; \
      time is in seconds since 1970), or of 'step key value'; thousands go into one transaction, and \
      within a second each is on the disk, whether or not another one follows. Ctrl-C ends in good \
      order.

      EXAMPLE:
        elbow log new --name "another program"
        elbow log @last loss=0.25 accuracy=0.9 --step 3
        elbow log end @last
      """,
    subcommands: [Points.self, New.self, End.self], defaultSubcommand: Points.self)

  /// Logs points.
  struct Points: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "points", abstract: "Log metrics of a run (what 'elbow log <run>' does).",
      discussion: """
        EXAMPLE:
          elbow log "another program" loss=0.25 --step 3
          elbow log "another program" < points.jsonl
        """)

    @Argument(
      help: ArgumentHelp(
        "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
    var prefix: String
    @Argument(help: ArgumentHelp("Values; none: from standard input.", valueName: "key=value"))
    var values: [String] = []
    @Option(help: "Step that they were measured at, from 0 (default: the next one).")
    var step: Int?
    @OptionGroup var database: DatabaseOption

    func run() throws {
      if values.isEmpty, step != nil {
        throw ValidationError(
          "--step goes with KEY=VALUE; lines from standard input have their own")
      }
      if values.isEmpty, isatty(STDIN_FILENO) == 1 {
        throw ValidationError("give KEY=VALUE, or lines of points on standard input")
      }
      let store = try database.edit()
      defer { store.close() }
      let run = try store.runID(prefix)
      try warnOfEnded(run, store)
      var writer = MetricWriter(store, run: run)
      if values.isEmpty {
        let stop = StopSignal()
        try MetricLines.read(LineInput(until: stop.stream)) {
          try writer.log($0)
        } flushing: {
          try writer.flush()
        }
        store.close()
        stop.passOn()
      } else {
        try writer.log(MetricEntry(MetricLines.values(values), step: step))
        try writer.flush()
      }
    }

    /// A point may come late, but nobody should think that the run goes on.
    private func warnOfEnded(_ run: String, _ store: RunStore) throws {
      let row = try store.query(.run(run))
      guard row[0, "fingerprint"] == .null, let status = row[0, .status],
        status != "running"
      else { return }
      Output.error(
        "elbow: run \(run) has ended (\(status)); the points are added to it all the same")
    }
  }

  /// Begins a run of another program.
  struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Begin a run of another program, and print its id.",
      discussion: """
        It is listed among the runs, can be tagged, grouped, noted and logged to, and is running \
        until 'elbow log end'. The code recorded is that of the working directory.

        EXAMPLE:
          elbow log new --name "another program" --tag stage=trial
        """)

    @Option(help: "Name of the run.") var name: String?
    @Option(help: "Group that the run belongs to.") var group: String?
    @Option(help: ArgumentHelp("Tag, may be repeated.", valueName: "key=value"))
    var tag: [String] = []
    @Option(help: "Free text kept with the run.") var note: String?
    @OptionGroup var database: DatabaseOption

    func run() throws {
      let labels = try RunLabels(checking: name, group: group, note: note, tags: tag)
      var external = ExternalRun(id: ULID.make())
      (external.name, external.group, external.note) = (labels.name, labels.group, labels.note)
      external.tags = labels.tags
      external.arguments = CommandLine.arguments
      let store = try database.record()
      defer { store.close() }
      try store.beginExternal(external)
      try Output.write(external.id + "\n")
    }
  }

  /// Ends one.
  struct End: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End a run of another program.",
      discussion: """
        EXAMPLE:
          elbow log end "another program" --error "out of memory"
        """)

    @Argument(
      help: ArgumentHelp(
        "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
    var prefix: String
    @Option(help: "finished, failed or interrupted (default: finished, with --error failed).")
    var status: RunEnding.Status?
    @Option(help: "Message of a failed run.") var error: String?
    @OptionGroup var database: DatabaseOption

    func validate() throws {
      if let status, status != .failed, error != nil {
        throw ValidationError("--error goes with --status failed")
      }
    }

    func run() throws {
      let store = try database.edit()
      defer { store.close() }
      try store.endExternal(
        store.runID(prefix), status ?? (error == nil ? .finished : .failed), error: error)
    }
  }
}

extension RunEnding.Status: ExpressibleByArgument {}
