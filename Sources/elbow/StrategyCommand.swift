import Analysis
import ArgumentParser
import Classifiers
import Datasets
import Evaluation
import Foundation
import Records
import RunStore
import TensorCore

/// Sampling strategies as things of their own.
struct StrategyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "strategy", abstract: "Learn sampling strategies from recorded runs.",
    subcommands: [Learn.self])

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
        """)

    @Argument(help: ArgumentHelp("Ids of runs of strategy 'full'.", valueName: "run"))
    var runs: [String]
    @Option(
      help: ArgumentHelp(
        "N, A..B (half-open) or A,B,C: images to learn from; the others judge.",
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
      let workers = WorkerPool(
        threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
      let store = try RunStore(database.path, for: record == nil ? .read : .write)
      defer { store.close() }
      let chosen = try ImageSelection(calibrate)
      let recorded = try runs.map { try RecordedLosses($0, store) }
      let calibration = try recorded[0].replay(workers: workers) { chosen.contains($0.index) }
      let learnt = try learn(calibration, workers)
      let reports = try recorded.map { recorded in
        try Report(
          recorded.replay(workers: workers) { !chosen.contains($0.index) }, learnt, workers)
      }
      if let record { try write(reports, learnt, to: store, group: record, workers) }
      try show(reports, learnt)
    }

    /// What is learnt, with the method that it comes from.
    struct Learnt {
      var method: String
      var strategy: String
    }

    private func learn(_ calibration: Replay, _ workers: WorkerPool) throws -> [Learnt] {
      let count = calibration.source.timesteps.count
      let share = try sift.map { text in
        guard let share = Fraction.parse(text), (0..<1).contains(share) else {
          throw ConfigurationError("--sift takes a share of images, as 0.002, got '\(text)'")
        }
        return share
      }
      let asked = try method.flatMap(SamplingStrategies.expand).map { text in
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let way = SubsetLearner.Method(rawValue: parts[0]),
          let size = Int(parts[1]), (1...count).contains(size)
        else {
          let ways = SubsetLearner.Method.allCases.map { "\($0.rawValue):COUNT" }
          throw ConfigurationError(
            "--method '\(text)' is not \(ways.joined(separator: " or ")) with COUNT between 1 and "
              + "the grid's \(count)")
        }
        return (text: text, way: way, size: size)
      }
      let samples = try calibration.samples()
      let learner = SubsetLearner(
        losses: samples.losses, labels: samples.labels, weights: calibration.gridWeights)
      return try asked.flatMap { text, way, size in
        let list = learner.learn(way, size: size)
        guard !list.steps.isEmpty else {
          throw ConfigurationError(
            "--calibrate \(calibrate): no timestep tells the classes of these images apart; take more"
          )
        }
        var learnt = [Learnt(method: text, strategy: ListedSubset(list: list).spelling)]
        if let share {
          learnt.append(
            Learnt(
              method: "sift, \(text)",
              strategy: try sifted(list, learnt[0].strategy, share, calibration, workers)))
        }
        return learnt
      }
    }

    /// The smallest threshold of a ladder that changes at most `share` of the answers.
    private func sifted(
      _ list: TimestepList, _ whole: String, _ share: Double, _ calibration: Replay,
      _ workers: WorkerPool
    ) throws -> String {
      func answers(_ strategy: String) throws -> [Int] {
        try calibration.predictions(
          calibration.configuration(strategy: strategy, weights: nil), workers: workers
        ).map(\.predicted)
      }
      let expected = try answers(whole)
      var strategy = ""
      for threshold in Self.thresholds {
        strategy = Sifting(threshold: threshold, subset: .listed(list)).spelling
        let changed = zip(try answers(strategy), expected).count { $0 != $1 }
        if Double(changed) <= share * Double(expected.count) { break }
      }
      return strategy
    }

    /// In units of log-odds.
    private static let thresholds = stride(from: 0.25, through: 8, by: 0.25)

    /// One run's images that were not learnt from.
    struct Report {
      let replay: Replay
      /// The run's own strategy, then what is learnt.
      let configurations: [Records.Configuration]
      let predictions: [[Prediction]]

      init(_ replay: Replay, _ learnt: [Learnt], _ workers: WorkerPool) throws {
        self.replay = replay
        configurations = try ([nil] + learnt.map(\.strategy)).map {
          try replay.configuration(strategy: $0, weights: nil)
        }
        predictions = try configurations.map { try replay.predictions($0, workers: workers) }
      }

      /// A strategy against the run's own.
      func pair(_ index: Int) -> PairedCounts {
        var counts = PairedCounts(both: 0, b: 0, c: 0, neither: 0)
        for (first, second) in zip(predictions[0], predictions[index]) {
          switch (first.correct, second.correct) {
          case (true, true): counts.both += 1
          case (true, false): counts.b += 1
          case (false, true): counts.c += 1
          case (false, false): counts.neither += 1
          }
        }
        return counts
      }

      func nfe(_ index: Int) -> Double {
        let total = predictions[index].reduce(0) { $0 + $1.nfe }
        return Double(total) / Double(predictions[index].count)
      }
    }

    private func write(
      _ reports: [Report], _ learnt: [Learnt], to store: RunStore, group: String,
      _ workers: WorkerPool
    ) throws {
      let writer = ReplayWriter(store)
      for report in reports {
        for (index, configuration) in report.configurations.enumerated() {
          _ = try writer.record(report.replay, configuration, workers: workers) { header in
            header.group = group
            header.name = index == 0 ? nil : learnt[index - 1].method
            header.tags = index == 0 ? [:] : ["calibration": calibrate]
          }
        }
      }
    }

    private func show(_ reports: [Report], _ learnt: [Learnt]) throws {
      var table = ResultTable(
        columns: [
          "run", "attack", "method", "images", "accuracy", "accuracy_low", "accuracy_high",
          "delta", "delta_low", "delta_high", "nfe_per_image", "nfe_share", "strategy",
        ], rows: [])
      for report in reports {
        let source = report.replay.source
        for (index, configuration) in report.configurations.enumerated() {
          let pair = report.pair(index)
          let right = pair.both + pair.c
          let interval = WilsonInterval(successes: right, of: pair.n)
          let change = pair.deltaInterval
          table.rows.append([
            .text(source.id), source.attack.map { .text(Self.threat($0)) } ?? .null,
            .text(index == 0 ? configuration.strategy : learnt[index - 1].method),
            .integer(Int64(pair.n)), .real(Double(right) / Double(pair.n)), .real(interval.low),
            .real(interval.high), .real(pair.delta), .real(change.lowerBound),
            .real(change.upperBound), .real(report.nfe(index)),
            .real(report.nfe(index) / report.nfe(0)), .text(configuration.strategy),
          ])
        }
      }
      guard format.format == .table else { return try format.write(table) }
      try format.write(Self.readable(table))
      for learnt in learnt { try Output.write("\n\(learnt.method)\n  \(learnt.strategy)\n") }
    }

    private static func threat(_ attack: AttackConfiguration) -> String {
      "\(attack.name) \(attack.norm.rawValue) \(JSONValue.canonical(number: attack.epsilon))"
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
            .text(String((table[row, "run"].string ?? "").prefix(RunSummary.shortID))),
            table[row, "attack"].string.map { .text($0) } ?? .text("none"), table[row, "method"],
            table[row, "images"],
            .text(
              "\(percent(row, "accuracy")) (\(percent(row, "accuracy_low"))–"
                + "\(percent(row, "accuracy_high")))"),
            .text(
              "\(percent(row, "delta", signed: true)) (\(percent(row, "delta_low", signed: true)) to "
                + "\(percent(row, "delta_high", signed: true)))"),
            .text(String(format: "%.1f", table[row, "nfe_per_image"].number ?? 0)),
            .text(percent(row, "nfe_share")),
          ]
        })
    }
  }
}
