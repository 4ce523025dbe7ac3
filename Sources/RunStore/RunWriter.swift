import Foundation
import Records
import Synchronization

/// Records one run: the sink of its events.
///
/// Predictions are committed in groups, at most 100 ms after they came in, on a thread of the
/// writer's own; `acknowledge` is called with each group once it is on the disk.
public final class RunWriter: RunSink, @unchecked Sendable {
  private let store: RunStore
  private let acknowledge: @Sendable ([Prediction]) -> Void
  private let condition = NSCondition()
  // All below is touched only under `condition`.
  private var queue: [Prediction] = []
  private var failure: (any Error)?
  private var isEnding = false
  private var isCommitting = false
  private var position: RunPosition?
  private var thread: Thread?
  private var spent = Effort()

  /// What recording has taken so far.
  public struct Effort: Sendable {
    /// Seconds that the run's own threads spent in `receive`, waiting included.
    public var calls = 0.0
    /// CPU seconds of the writer's thread.
    public var cpu = 0.0
    /// Wall seconds of the groups' transactions; the run goes on meanwhile.
    public var commits = 0.0
    /// Groups committed.
    public var groups = 0
  }

  /// What recording has taken so far.
  public var cost: Effort { condition.withLock { spent } }

  /// How long a group may grow.
  private static let grouping = 0.05
  /// How often a run shows that it lives.
  private static let heartbeat = 10.0
  /// Predictions that may wait; a disk slower than the classifier then slows it down.
  private static let longestQueue = 512

  /// A writer into `store`, opened for writing.
  public init(
    _ store: RunStore, acknowledge: @escaping @Sendable ([Prediction]) -> Void = { _ in }
  ) {
    self.store = store
    self.acknowledge = acknowledge
  }

  public func receive(_ event: RunEvent) throws {
    let clock = ContinuousClock()
    let start = clock.now
    defer {
      let seconds = (clock.now - start) / .seconds(1)
      condition.withLock { spent.calls += seconds }
    }
    switch event {
    case .started(let header): begin(try store.insert(header))
    case .resumed(let header): begin(try store.insertSession(header))
    case .predicted(let prediction):
      condition.lock()
      defer { condition.unlock() }
      while queue.count >= Self.longestQueue, failure == nil { condition.wait() }
      if let failure { throw failure }
      queue.append(prediction)
      // The writer sleeps until there is something, then until it is enough.
      if queue.count == 1 || queue.count == Self.longestQueue / 2 { condition.broadcast() }
    case .ended(let ending):
      condition.lock()
      isEnding = true
      condition.broadcast()
      while !queue.isEmpty || isCommitting, failure == nil { condition.wait() }
      let (position, failure) = (self.position, self.failure)
      condition.unlock()
      var recorded = ending
      // Not every prediction is on the disk: whatever the evaluation says, the run is not whole.
      if let failure { (recorded.status, recorded.error) = (.failed, "\(failure)") }
      if let position { try store.finish(position, recorded) }
      if let failure { throw failure }
    }
  }

  private func begin(_ position: RunPosition) {
    self.position = position
    let thread = Thread { [self] in work(position) }
    thread.start()
    self.thread = thread
  }

  private func work(_ position: RunPosition) {
    let clock = ContinuousClock()
    while let group = nextGroup() {
      let start = clock.now
      do {
        try store.insert(group, position)
        acknowledge(group)
      } catch {
        condition.withLock { failure = error }
      }
      let seconds = (clock.now - start) / .seconds(1)
      condition.withLock {
        spent.commits += seconds
        spent.groups += group.isEmpty ? 0 : 1
        spent.cpu = Self.threadSeconds
        isCommitting = false
        condition.broadcast()
      }
    }
  }

  /// CPU seconds of the calling thread.
  private static var threadSeconds: Double {
    var time = timespec()
    guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// What came in since the last group, empty when only the heartbeat is due; nil at the end.
  private func nextGroup() -> [Prediction]? {
    condition.withLock {
      let due = Date(timeIntervalSinceNow: Self.heartbeat)
      while queue.isEmpty, !isEnding, failure == nil, Date() < due {
        _ = condition.wait(until: due)
      }
      let closing = Date(timeIntervalSinceNow: Self.grouping)
      // Half a queue is a group worth its commit; the other half fills meanwhile.
      while !queue.isEmpty, queue.count < Self.longestQueue / 2, !isEnding, Date() < closing {
        _ = condition.wait(until: closing)
      }
      if failure != nil || (isEnding && queue.isEmpty) { return nil }
      isCommitting = true
      defer {
        queue.removeAll()
        condition.broadcast()
      }
      return queue
    }
  }
}

/// Which part of which run a writer adds to.
struct RunPosition: Sendable {
  var runID: String
  var session: Int
}
