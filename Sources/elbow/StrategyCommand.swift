import ArgumentParser
import Basics
import Classifiers
import Datasets
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import Statistics
import TensorCore

/// Sampling strategies as things of their own.
struct StrategyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "strategy", abstract: "Learn sampling strategies from recorded runs.",
    discussion: """
      EXAMPLE:
        elbow strategy learn "DC, whole grid" --calibrate 0..50 --method greedy:6
      """,
    subcommands: [Learn.self, Adapt.self])

  /// Fits strategies to some images of a run and judges them on others.
  struct Learn: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Fit timestep subsets and weights to recorded losses.",
      usage: """
        elbow strategy learn <run> ... --calibrate <images> --method <method> ... [--sift <share>] …
        """,
      discussion: """
        The first run's losses on the images of --calibrate are learnt from; every table row is of \
        the other images: of the first run, and of each further one, such as the run of an attack \
        on the same model and grid. The difference to the whole grid is paired, image by image. \
        greedy:N adds the timestep that lowers the cross-entropy of the calibration labels most \
        and fits all weights again, N times; importance:N takes the N timesteps whose margins are \
        largest in units of their deviation. The spelling of what is learnt (subset:…, sift:…) \
        stands for itself: give it to run, replay or sweep as --strategy.

        EXAMPLE:
          elbow strategy learn "DC, whole grid" --calibrate 0..50 --method greedy:6
        """)

    @Argument(
      help: ArgumentHelp(
        "Runs of strategy 'full': ids or their beginnings, @last, or names.", valueName: "run"))
    var runs: [String]
    @Option(
      help: ArgumentHelp(
        "N, A..B (without B), A...B (with B) or A,B,C: images to learn from; the others judge.",
        valueName: "images"))
    var calibrate: String
    @Option(
      parsing: .upToNextOption, help: "greedy:COUNT, importance:COUNT; several, and ranges.")
    var method: [String]
    @Option(
      help: ArgumentHelp(
        """
        Also learn, for each, the smallest threshold at which dropping classes changes at most this \
        share of the calibration images' answers.
        """, valueName: "share"))
    var sift: String?
    @Option(help: "Record what is learnt as replays on the judging images, in this group.")
    var record: String?
    @Option(help: "Worker threads (default: all cores).") var threads: Int?
    @OptionGroup var database: DatabaseOption
    @OptionGroup var format: FormatOption

    func validate() throws {
      guard !runs.isEmpty else { throw ValidationError("name a run to learn from") }
      guard !method.isEmpty else {
        throw ValidationError("name what to learn: --method greedy:6 importance:6")
      }
      guard (1...1024).contains(threads ?? 1) else {
        throw ValidationError("--threads must be 1 to 1024")
      }
    }

    func run() throws {
      let store = try record == nil ? database.read() : database.record()
      defer { store.close() }
      let session = Session(threads: threads, watch: Output.watch, arguments: Output.arguments)
      let learning = StrategyLearning(
        images: try ImageSelection(calibrate, field: "calibrate"), methods: method,
        siftedShare: try sift.map(Self.share))
      let recorded = try runs.map { try RecordedLosses($0, store) }
      let learnt = try learning.learn(from: recorded[0], in: session)
      let judgements = try recorded.map { try learning.judge(learnt, on: $0, in: session) }
      if let record { try write(judgements, learnt, to: store, group: record, session) }
      try show(judgements, learnt, store)
    }

    static func share(_ text: String) throws -> Double {
      guard let share = Fraction.parse(text), (0..<1).contains(share) else {
        throw ElbowError(.malformed, "`sift` takes a share of images, as 0.002, got '\(text)'")
      }
      return share
    }

    private func write(
      _ judgements: [StrategyJudgement], _ learnt: [StrategyLearning.Learnt], to store: RunStore,
      group: String, _ session: Session
    ) throws {
      let writer = ReplayWriter(store)
      for judgement in judgements {
        for (index, configuration) in judgement.configurations.enumerated() {
          _ = try writer.record(
            judgement.replay, configuration,
            labels: RunLabels(
              name: index == 0 ? nil : learnt[index - 1].method, group: group,
              tags: index == 0 ? [:] : ["calibration": calibrate]), in: session)
        }
      }
    }

    private func show(
      _ judgements: [StrategyJudgement], _ learnt: [StrategyLearning.Learnt], _ store: RunStore
    ) throws {
      var table = ResultTable(
        columns: [
          "run", "attack", "method", "images", "accuracy", "accuracy_low", "accuracy_high",
          "delta", "delta_low", "delta_high", "nfe_per_image", "nfe_share", "strategy",
        ], rows: [])
      for judgement in judgements {
        let source = judgement.replay.source
        let attack = try Self.threat(source, store)
        for (index, configuration) in judgement.configurations.enumerated() {
          let pair = judgement.pair(index)
          let right = pair.both + pair.c
          let interval = WilsonInterval(successes: right, of: pair.n)
          let change = pair.deltaInterval
          table.rows.append([
            .text(source.id), attack.map { .text($0) } ?? .null,
            .text(index == 0 ? configuration.strategy : learnt[index - 1].method),
            .integer(Int64(pair.n)), .real(Double(right) / Double(pair.n)), .real(interval.low),
            .real(interval.high), .real(pair.delta), .real(change.lowerBound),
            .real(change.upperBound), .real(judgement.evaluations(index)),
            .real(judgement.evaluations(index) / judgement.evaluations(0)),
            .text(configuration.strategy),
          ])
        }
      }
      guard format.format == .table else { return try format.write(table) }
      try format.write(Self.readable(table), asked: ["method"])
      for learnt in learnt { try Output.write("\n\(learnt.method)\n  \(learnt.strategy)\n") }
    }

    /// The attack that made a run's images; nil: they are clean.
    private static func threat(_ run: RunHeader, _ store: RunStore) throws -> String? {
      let maker = try run.attack ?? run.inputsRun.flatMap { try store.recordedHeader($0).attack }
      return maker.map {
        "\($0.name) \($0.norm.rawValue) \(JSONValue.canonical(number: $0.epsilon))"
      }
    }

    /// Percentages with their intervals, for people.
    private static func readable(_ table: ResultTable) -> ResultTable {
      func percent(_ row: Int, _ column: String, signed: Bool = false) -> String {
        String(format: signed ? "%+.1f" : "%.1f", 100 * (table[row, column].number ?? 0))
      }
      return ResultTable(
        columns: [
          "run", "attack", "method", "images", "accuracy % (95 %)", "difference (95 %)", "NFE",
          "NFE %",
        ],
        rows: table.rows.indices.map { row in
          [
            .text(String((table[row, .run] ?? "").prefix(RunSummary.shortID))),
            table[row, .attack].map { .text($0) } ?? .text("none"), table[row, "method"],
            table[row, "images"],
            .text(
              "\(percent(row, "accuracy")) (\(percent(row, "accuracy_low"))–"
                + "\(percent(row, "accuracy_high")))"),
            .text(
              "\(percent(row, "delta", signed: true)) (\(percent(row, "delta_low", signed: true)) to "
                + "\(percent(row, "delta_high", signed: true)))"),
            .text(String(format: "%.1f", table[row, .nfePerImage] ?? 0)),
            .text(percent(row, "nfe_share")),
          ]
        })
    }
  }
}
