import Foundation
import Synchronization

/// A fixed set of threads that share indexed loops.
///
/// `forEach` may be called from within a loop's body: the caller works through its own loop, idle
/// threads help. Each thread has a slot in `0 ..< count` that names scratch space only it touches.
/// A caller that is not one of the pool's threads takes slot 0, one such caller at a time.
public final class WorkerPool: Sendable {
  /// Number of threads that work, the outside caller included.
  public let count: Int

  private let board: Board
  private let outside = NSLock()

  /// Starts `count − 1` threads; they end when the pool is released.
  ///
  /// - Parameter other: a pool whose cancelling cancels this one.
  public init(threads count: Int, following other: WorkerPool? = nil) {
    precondition(count >= 1, "WorkerPool needs at least 1 thread, got \(count)")
    self.count = count
    board = Board(other?.board.cancellation ?? Cancellation())
    for slot in 0..<count where slot > 0 {
      let thread = Thread { [board] in
        Thread.current.threadDictionary[board.key] = slot
        while let loop = board.join() {
          loop.work(slot: slot, board: board)
          board.leave(loop)
        }
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  deinit { board.close() }

  /// Makes every loop, running or to come, throw `CancellationError` instead of beginning another
  /// item.
  public func cancel() { board.cancellation.isAsked.store(true, ordering: .releasing) }

  /// Whether it was cancelled.
  public var isCancelled: Bool { board.cancellation.isAsked.load(ordering: .acquiring) }

  /// Ends what is no loop when it is called between its steps.
  ///
  /// - Throws: `CancellationError` after `cancel()`.
  public func checkCancellation() throws {
    if board.cancellation.isAsked.load(ordering: .acquiring) { throw CancellationError() }
  }

  /// Calls `body(item, slot)` for every item in `0 ..< items`, in no particular order.
  ///
  /// - Throws: the first error that a body threw, items not begun by then being skipped;
  ///   `CancellationError` after `cancel()`.
  public func forEach(_ items: Int, _ body: @Sendable (_ item: Int, _ slot: Int) throws -> Void)
    throws
  {
    guard items > 0 else { return }
    if let slot = Thread.current.threadDictionary[board.key] as? Int {
      try run(items, slot: slot, body)
    } else {
      try outside.withLock {
        Thread.current.threadDictionary[board.key] = 0
        defer { Thread.current.threadDictionary[board.key] = nil }
        try run(items, slot: 0, body)
      }
    }
  }

  private func run(
    _ items: Int, slot: Int, _ body: @Sendable (Int, Int) throws -> Void
  ) throws {
    // `finish` returns only after every item has ended and no thread holds the body any more.
    try withoutActuallyEscaping(body) { body in
      let loop = Loop(items: items, body: body)
      board.post(loop)
      loop.work(slot: slot, board: board)
      board.finish(loop)
      if let failure = loop.failure.withLock({ $0 }) { throw failure }
    }
  }

  /// One running `forEach`.
  private final class Loop: @unchecked Sendable {
    let items: Int
    let failure = Mutex<(any Error)?>(nil)
    /// Released when the loop finishes; helpers come and go before.
    var body: (@Sendable (Int, Int) throws -> Void)?
    /// Threads other than the caller that work on it; touched under the board's condition.
    var helpers = 0
    private let next = Atomic<Int>(0)
    private let ended = Atomic<Int>(0)

    init(items: Int, body: @escaping @Sendable (Int, Int) throws -> Void) {
      self.items = items
      self.body = body
    }

    var hasWork: Bool { next.load(ordering: .relaxed) < items }
    var isDone: Bool { ended.load(ordering: .acquiring) == items }

    // Kept out of line, so that no reference to the body outlives the call.
    @inline(never)
    func work(slot: Int, board: Board) {
      guard let body else { return }
      while true {
        let item = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard item < items else { return }
        do {
          if board.cancellation.isAsked.load(ordering: .acquiring) { throw CancellationError() }
          if failure.withLock({ $0 == nil }) { try body(item, slot) }
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
        if ended.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == items {
          board.announce()
        }
      }
    }
  }

  /// Whether pools that belong together were cancelled.
  private final class Cancellation: Sendable {
    let isAsked = Atomic(false)
  }

  /// The open loops, and the condition that idle threads and finishing callers wait on.
  private final class Board: @unchecked Sendable {
    let key = "elbow.worker-slot.\(UUID().uuidString)"
    let cancellation: Cancellation
    private let condition = NSCondition()
    private var loops: [Loop] = []
    private var closed = false

    init(_ cancellation: Cancellation) { self.cancellation = cancellation }

    func post(_ loop: Loop) {
      condition.withLock {
        loops.append(loop)
        condition.broadcast()
      }
    }

    func announce() { condition.withLock { condition.broadcast() } }

    func close() {
      condition.withLock {
        closed = true
        condition.broadcast()
      }
    }

    /// The innermost loop with work left, joined; waits for one, nil once the pool is closed.
    func join() -> Loop? {
      condition.withLock {
        while !closed {
          if let loop = loops.last(where: \.hasWork) {
            loop.helpers += 1
            return loop
          }
          condition.wait()
        }
        return nil
      }
    }

    func leave(_ loop: Loop) {
      condition.withLock {
        loop.helpers -= 1
        condition.broadcast()
      }
    }

    func finish(_ loop: Loop) {
      condition.withLock {
        while !loop.isDone || loop.helpers > 0 { condition.wait() }
        loops.removeAll { $0 === loop }
        loop.body = nil
      }
    }
  }
}
