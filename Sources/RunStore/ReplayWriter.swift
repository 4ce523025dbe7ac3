import Basics
import Records

/// Records replayed runs, each in one transaction: whole or not at all.
public struct ReplayWriter: Sendable {
  private let store: RunStore
  private let code = CodeState.current

  /// A writer into `store`, opened for writing.
  public init(_ store: RunStore) { self.store = store }

  /// Records a run that has ended already.
  ///
  /// - Throws: `ElbowError`; nothing is recorded then.
  public func record(
    _ header: RunHeader, _ predictions: [Prediction], _ ending: RunEnding
  ) throws {
    try record([(header, predictions, ending)])
  }

  /// Records runs that have ended already, in one transaction.
  ///
  /// - Throws: `ElbowError`; none is recorded then.
  public func record(
    _ runs: [(header: RunHeader, predictions: [Prediction], ending: RunEnding)]
  ) throws {
    try store.writing { db in
      for run in runs {
        try store.insert(run.header, run.predictions, run.ending, code, db)
      }
    }
  }
}
