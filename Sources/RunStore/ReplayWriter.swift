import Records

/// Records replayed runs, each in one transaction: whole or not at all.
public struct ReplayWriter: Sendable {
  private let store: RunStore
  /// Asked for once, however many replays there are.
  private let code = CodeState.capture()

  /// A writer into `store`, opened for writing.
  public init(_ store: RunStore) { self.store = store }

  /// Records a run that has ended already.
  ///
  /// - Throws: `RunStoreError`; nothing is recorded then.
  public func record(
    _ header: RunHeader, _ predictions: [Prediction], _ ending: RunEnding
  ) throws {
    try store.writing { db in
      let position = try store.insert(header, code, db)
      for prediction in predictions { try store.insert(prediction, header.id, db) }
      try store.finish(position, ending, db)
    }
  }
}
