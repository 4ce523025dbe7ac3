import Basics
import RunStore
import Statistics

extension Comparison {
  /// Compares runs on the images that all of them classified.
  ///
  /// - Parameters:
  ///   - ids: any beginnings that are unique; the first is what the others are compared with.
  ///   - store: where they are recorded.
  /// - Throws: `ElbowError` for an id that names no run, or several.
  public init(_ ids: [String], in store: RunStore) throws {
    try self.init(ids.map { try store.runID($0) }, store)
  }

  /// Each run but the first against the first, in the order given: how many images were answered how,
  /// the difference with its interval, and the p of McNemar's exact test. Without images where the
  /// runs share none.
  public var pairs: [PairedCounts] { runs.rows.indices.dropFirst().map(pair) }
}
