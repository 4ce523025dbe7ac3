import Basics
import Evaluation
import Records
import Statistics

/// What a replay answers, in sums: for who asks without recording it.
package struct ReplayAnswer: Sendable {
  /// The configuration that was replayed.
  package let configuration: Configuration
  /// Images, those that are right, and those that are answered otherwise than by the replayed run.
  package let n, nCorrect, nDiffer: Int
  /// Network evaluations and gradients an image, counted as if they had run.
  package let nfe, gradients: Double

  /// Share that is right.
  package var accuracy: Double { Double(nCorrect) / Double(n) }
  /// Its 95 % interval.
  package var interval: WilsonInterval { WilsonInterval(successes: nCorrect, of: n) }

  /// Replays a strategy and weights on a run's losses.
  ///
  /// - Parameters:
  ///   - replay: the run's losses.
  ///   - strategy: nil: the run's own.
  ///   - weights: nil: the run's own.
  ///   - session: whose threads do it.
  /// - Throws: `ElbowError` for what is out of form, and where a loss was not recorded.
  package init(
    _ replay: Replay, strategy: String?, weights: String?, in session: Session
  ) throws {
    configuration = try replay.configuration(strategy: strategy, weights: weights)
    let answers = try replay.predictions(configuration, workers: session.workers)
    n = answers.count
    nCorrect = answers.count(where: \.correct)
    nDiffer = zip(answers, replay.recorded).count { $0.predicted != $1.predicted }
    nfe = Double(answers.reduce(0) { $0 + $1.nfe }) / Double(n)
    gradients = Double(answers.reduce(0) { $0 + $1.gradients }) / Double(n)
  }

  /// One row, with the names that `runs` has.
  package var table: ResultTable {
    ResultTable(
      columns: [
        "strategy", "weights", "n_done", "n_correct", "accuracy", "accuracy_low",
        "accuracy_high", "nfe_per_image", "gradients_per_image", "n_differ",
      ],
      rows: [
        [
          .text(configuration.strategy), .text(configuration.weights), .integer(Int64(n)),
          .integer(Int64(nCorrect)), .real(accuracy), .real(interval.low), .real(interval.high),
          .real(nfe), .real(gradients), .integer(Int64(nDiffer)),
        ]
      ])
  }
}
