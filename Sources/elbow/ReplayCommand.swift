import ArgumentParser
import Basics
import Classifiers
import Datasets
import Evaluation
import Experiments
import Foundation
import Queries
import Records
import Reporting
import RunStore
import Statistics
import TensorCore

/// Evaluates strategies on the losses that a run recorded.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Evaluate sampling strategies on a run's recorded losses, without a network.",
    usage: """
      elbow replay <run> --strategy <strategy> ... [--weights <weights> ...] [--name <name>] …
      """,
    discussion: """
      Predictions and ELBOs are those of a live run of the same strategy, weights and seed on the \
      same images; network evaluations are counted as if they had run. Each combination is \
      recorded as a run of its own, marked as replayed, without seconds. A...B in a strategy stands \
      for every number from A to B: uniform:1...64. "differs %" is the share of images answered \
      otherwise than by the replayed run. Replay a run of strategy 'full': a loss that was not \
      recorded is an error.

      EXAMPLE:
        elbow replay "DC, whole grid" --strategy uniform:1...10 --weights snr edm
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "\(SamplingStrategies.usages.joined(separator: ", ")); several, and ranges as uniform:1...64 "
        + "(default: the run's own)."))
  var strategy: [String] = []
  @Option(
    parsing: .upToNextOption,
    help: "edm, edm-as-released, elbo, snr or uniform; several (default: the run's own).")
  var weights: [String] = []
  @Option(
    help: ArgumentHelp(
      "N, A..B (without B), A...B (with B) or A,B,C: replay these of the run's images only (default: all).",
      valueName: "images"))
  var images: String?
  @Option(help: "Name of the replayed runs.") var name: String?
  @Option(help: "Group that they belong to.") var group: String?
  @Option(help: ArgumentHelp("Tag, may be repeated.", valueName: "key=value")) var tag: [String] =
    []
  @Option(help: "Free text kept with them.") var note: String?
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    guard !strategy.isEmpty || !weights.isEmpty else {
      throw ValidationError("name what to replay: --strategy uniform:1...10, or --weights snr edm")
    }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be 1 to 1024, got \(threads)")
    }
  }

  func run() throws {
    let labels = try RunLabels(checking: name, group: group, note: note, tags: tag)
    let session = Session(threads: threads, watch: Output.watch, arguments: Output.arguments)
    let images = try images.map { try ImageSelection($0) }
    let replay = try RecordedLosses(prefix, database.read()).replay(workers: session.workers) {
      images?.contains($0.index) ?? true
    }
    let configurations = try configurations(replay)
    let store = try database.record()
    defer { store.close() }
    let writer = ReplayWriter(store)
    var ids: [String] = []
    for (done, configuration) in configurations.enumerated() {
      session.watch(WorkUpdate("replay", done, of: configurations.count, "strategies"))
      ids.append(try writer.record(replay, configuration, labels: labels, in: session))
    }
    try report(ids, replay.source, store)
  }

  /// Every combination asked for, checked before the first is replayed.
  private func configurations(_ replay: Replay) throws -> [Records.Configuration] {
    let strategies = try strategy.flatMap(SamplingStrategies.expand).map(Optional.some)
    let weights = weights.map(Optional.some)
    return try (weights.isEmpty ? [nil] : weights).flatMap { weights in
      try (strategies.isEmpty ? [nil] : strategies).map { strategy in
        try replay.configuration(strategy: strategy, weights: weights)
      }
    }
  }

  private func report(_ ids: [String], _ source: RunHeader, _ store: RunStore) throws {
    if let run = source.attack == nil ? source.inputsRun : source.id,
      try store.recordedHeader(run).attack != nil
    {
      Output.error(
        "elbow: the adversarial images are fixed, made in run \(run) against another "
          + "configuration; an attack on these strategies themselves may find worse ones")
    }
    let replays = try store.query(.replays(of: source.id))
    let byID = Dictionary(
      replays.rows.indices.map { (replays[$0, .id] ?? "", replays.rows[$0]) },
      uniquingKeysWith: { a, _ in a })
    let mine = ResultTable(columns: replays.columns, rows: ids.compactMap { byID[$0] })
    guard format.format == .table else { return try format.write(mine) }
    var table = RunSummary.table(mine)
    // What is the same in all of them is known from the run.
    for column in ["name", "status", "classifier", "grid", "s/image"] {
      table = table.dropping(column)
    }
    let differs = mine.rows.indices.map { i -> Cell in
      guard let n = mine[i, .nDone], let k = mine[i, .nDiffer], n > 0 else {
        return .null
      }
      return .text(RunSummary.percent(k / n))
    }
    try format.write(table.appending("differs %", differs))
  }
}
