import Basics
import Foundation

/// Logs the metrics of one run, many entries a transaction.
///
/// Every point is kept in the order it came; a series is read by step, and of a step that was logged
/// more than once the point that came last counts. What was logged is on the disk after `flush`, at
/// the latest a second or `MetricWriter.largestGroup` entries later; letting the writer go flushes
/// it, errors then being lost.
public struct MetricWriter: ~Copyable {
  private let store: RunStore
  private let run: String
  private var waiting: [MetricEntry] = []
  private var since = ContinuousClock.now

  /// Entries that one transaction takes at most.
  public static let largestGroup = 5_000

  /// A writer for a run of any kind and status.
  ///
  /// - Parameters:
  ///   - store: opened for writing.
  ///   - run: full id.
  public init(_ store: RunStore, run: String) {
    self.store = store
    self.run = run
  }

  deinit {
    try? store.log(waiting, run: run)
  }

  /// Logs values at a step.
  ///
  /// - Parameters:
  ///   - values: by name.
  ///   - step: from 0; nil: one after the run's greatest.
  /// - Throws: `ElbowError` as `flush`.
  public mutating func log(_ values: [String: Double], step: Int? = nil) throws {
    try log(MetricEntry(values, step: step))
  }

  /// Logs an entry.
  ///
  /// - Throws: `ElbowError` as `flush`.
  public mutating func log(_ entry: MetricEntry) throws {
    // Before it joins others, which it would take along.
    try RunStore.check(entry)
    if waiting.isEmpty { since = .now }
    waiting.append(entry)
    if waiting.count >= Self.largestGroup || ContinuousClock.now - since > .milliseconds(600) {
      try flush()
    }
  }

  /// Puts what waits on the disk, all of it or none.
  ///
  /// - Throws: `ElbowError` for a name or step out of form, and where the run is gone; what
  ///   waited is dropped then.
  public mutating func flush() throws {
    let entries = waiting
    waiting = []
    try store.log(entries, run: run)
  }
}
