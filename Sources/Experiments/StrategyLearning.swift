import Basics
import Classifiers
import Datasets
import Evaluation
import Records
import RunStore
import Statistics

/// Timestep subsets and weights that are learnt from the losses of some images and judged on others.
package struct StrategyLearning {
  /// A strategy with the method that it comes from.
  package struct Learnt: Sendable {
    /// As `greedy:8`, or `sift, greedy:8`.
    package let method: String
    /// Its spelling, which stands for itself.
    package let strategy: String
  }

  /// A method with how many timesteps it takes.
  private struct Asked {
    let text: String
    let method: SubsetLearner.Method
    let size: Int
  }

  /// Which images are learnt from.
  package let images: ImageSelection
  /// As `greedy:8`, ranges included.
  package let methods: [String]
  /// Share of the answers that dropping classes may change; nil: no class is dropped.
  package let siftedShare: Double?

  /// What is to be learnt.
  package init(images: ImageSelection, methods: [String], siftedShare: Double?) {
    (self.images, self.methods, self.siftedShare) = (images, methods, siftedShare)
  }

  /// Learns from a run's losses on the chosen images.
  ///
  /// - Throws: `ElbowError` for methods out of form, and where the images tell no classes apart.
  package func learn(from run: RecordedLosses, in session: Session) throws -> [Learnt] {
    try learn(
      from: [run.replay(workers: session.workers) { images.contains($0.index) }], in: session)
  }

  /// Learns from all losses of runs on one grid.
  ///
  /// - Throws: as `learn(from:in:)`.
  package func learn(from calibration: [Replay], in session: Session) throws -> [Learnt] {
    guard let first = calibration.first,
      calibration.allSatisfy({ $0.source.timesteps == first.source.timesteps })
    else { throw ElbowError(.malformed, "strategies are learnt from runs on one grid") }
    let asked = try asked(of: first.source.timesteps.count)
    let samples = try calibration.map { try $0.samples() }
    let learner = SubsetLearner(
      losses: samples.flatMap(\.losses), labels: samples.flatMap(\.labels),
      weights: first.gridWeights)
    return try asked.enumerated().flatMap { number, asked in
      session.watch(WorkUpdate("learning", number, of: methods.count, "methods"))
      let list = learner.learn(asked.method, size: asked.size)
      guard !list.steps.isEmpty else {
        throw ElbowError(
          .malformed,
          "`calibrate`: no timestep tells the classes of these images apart; take more of them")
      }
      let plain = Learnt(method: asked.text, strategy: ListedSubset(list: list).spelling)
      guard let siftedShare else { return [plain] }
      let sifted = try sift(list, plain.strategy, siftedShare, calibration, session)
      return [plain, Learnt(method: "sift, \(asked.text)", strategy: sifted)]
    }
  }

  /// Judges what is learnt on the images of a run that were not learnt from.
  package func judge(
    _ learnt: [Learnt], on run: RecordedLosses, in session: Session
  ) throws -> StrategyJudgement {
    try StrategyJudgement(
      run.replay(workers: session.workers) { !images.contains($0.index) }, learnt, in: session)
  }

  private func asked(of count: Int) throws -> [Asked] {
    try methods.flatMap { try SamplingStrategies.expand($0) }.map { text in
      let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, let method = SubsetLearner.Method(rawValue: parts[0]),
        let size = Int(parts[1]), (1...count).contains(size)
      else {
        let forms = SubsetLearner.Method.allCases.map { "\($0.rawValue):COUNT" }
        throw ElbowError(
          .malformed,
          "`method` '\(text)' is not \(forms.joined(separator: " or ")) with COUNT between 1 and "
            + "the grid's \(count)")
      }
      return Asked(text: text, method: method, size: size)
    }
  }

  /// The smallest threshold of a ladder that changes at most `share` of the answers.
  private func sift(
    _ list: TimestepList, _ whole: String, _ share: Double, _ calibration: [Replay],
    _ session: Session
  ) throws -> String {
    func answers(_ strategy: String) throws -> [Int] {
      try calibration.flatMap { replay in
        try replay.predictions(
          replay.configuration(strategy: strategy, weights: nil), workers: session.workers
        ).map(\.predicted)
      }
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
}

/// What learnt strategies answer on images that they were not learnt from.
package struct StrategyJudgement {
  /// The run's losses on these images.
  package let replay: Replay
  /// The run's own strategy, then what is learnt.
  package let configurations: [Configuration]
  /// Answers by configuration and image.
  private let predictions: [[Prediction]]

  init(_ replay: Replay, _ learnt: [StrategyLearning.Learnt], in session: Session) throws {
    self.replay = replay
    configurations = try ([nil] + learnt.map(\.strategy)).map {
      try replay.configuration(strategy: $0, weights: nil)
    }
    predictions = try configurations.map {
      try replay.predictions($0, workers: session.workers)
    }
  }

  /// A configuration against the run's own, image by image.
  package func pair(_ index: Int) -> PairedCounts {
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

  /// Network evaluations an image.
  package func evaluations(_ index: Int) -> Double {
    Double(predictions[index].reduce(0) { $0 + $1.nfe }) / Double(predictions[index].count)
  }
}
