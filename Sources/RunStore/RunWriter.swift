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

  /// How long a group may grow.
  private static let grouping = 0.05
  /// How often a run shows that it lives.
  private static let heartbeat = 10.0
  /// Predictions that may wait; a disk slower than the classifier then slows it down.
  private static let longestQueue = 256

  /// A writer into `store`, opened for writing.
  public init(
    _ store: RunStore, acknowledge: @escaping @Sendable ([Prediction]) -> Void = { _ in }
  ) {
    self.store = store
    self.acknowledge = acknowledge
  }

  public func receive(_ event: RunEvent) throws {
    switch event {
    case .started(let header): begin(try store.insert(header))
    case .resumed(let header): begin(try store.insertSession(header))
    case .predicted(let prediction):
      condition.lock()
      defer { condition.unlock() }
      while queue.count >= Self.longestQueue, failure == nil { condition.wait() }
      if let failure { throw failure }
      queue.append(prediction)
      condition.broadcast()
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
    while let group = nextGroup() {
      do {
        try store.insert(group, position)
        acknowledge(group)
      } catch {
        condition.withLock { failure = error }
      }
      condition.withLock {
        isCommitting = false
        condition.broadcast()
      }
    }
  }

  /// What came in since the last group, empty when only the heartbeat is due; nil at the end.
  private func nextGroup() -> [Prediction]? {
    condition.withLock {
      let due = Date(timeIntervalSinceNow: Self.heartbeat)
      while queue.isEmpty, !isEnding, failure == nil, Date() < due {
        _ = condition.wait(until: due)
      }
      let closing = Date(timeIntervalSinceNow: Self.grouping)
      while !queue.isEmpty, !isEnding, Date() < closing { _ = condition.wait(until: closing) }
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
