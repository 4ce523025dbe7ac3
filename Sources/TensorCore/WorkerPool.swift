import Foundation
import Synchronization

/// A fixed set of threads that share indexed loops.
///
/// `forEach` may be called from within a loop's body: the caller works through its own loop, then
/// through what is called from within that; idle threads help. Each thread has a slot in
/// `0 ..< count` that names scratch space only it touches; what is there does not outlast a nested
/// `forEach`. A caller that is not one of the pool's threads takes slot 0, one such caller at a time.
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
        let seat = Seat(slot: slot)
        Thread.current.threadDictionary[board.key] = seat
        while let loop = board.join() {
          loop.work(seat, board)
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
    if isCancelled { throw CancellationError() }
  }

  /// Calls `body(item, slot)` for every item in `0 ..< items`, in no particular order.
  ///
  /// - Throws: the first error that a body threw, items not begun by then being skipped;
  ///   `CancellationError` after `cancel()`.
  public func forEach(_ items: Int, _ body: @Sendable (_ item: Int, _ slot: Int) throws -> Void)
    throws
  {
    guard items > 0 else { return }
    if let seat = Thread.current.threadDictionary[board.key] as? Seat {
      try run(items, seat, body)
    } else {
      try outside.withLock {
        let seat = Seat(slot: 0)
        Thread.current.threadDictionary[board.key] = seat
        defer { Thread.current.threadDictionary[board.key] = nil }
        try run(items, seat, body)
      }
    }
  }

  /// What `body(item, slot)` returns for every item in `0 ..< items`, in their order.
  ///
  /// - Throws: as `forEach`.
  package func map<T: Sendable>(
    _ items: Int, _ body: @Sendable (_ item: Int, _ slot: Int) throws -> T
  ) throws -> [T] {
    let results = Mutex([T?](repeating: nil, count: items))
    try forEach(items) { item, slot in
      let made = try body(item, slot)
      results.withLock { $0[item] = made }
    }
    return results.withLock { $0.compactMap(\.self) }
  }

  private func run(
    _ items: Int, _ seat: Seat, _ body: @Sendable (Int, Int) throws -> Void
  ) throws {
    // `finish` returns only after every item has ended and no thread holds the body any more.
    try withoutActuallyEscaping(body) { body in
      let loop = Loop(items: items, within: seat.loop, body: body)
      board.post(loop)
      loop.work(seat, board)
      while let inner = board.join(within: loop) {
        inner.work(seat, board)
        board.leave(inner)
      }
      board.finish(loop)
      if let failure = loop.failure.withLock({ $0 }) { throw failure }
    }
  }

  /// A thread that works, touched by no other.
  private final class Seat {
    let slot: Int
    /// The loop of the item that it works on.
    var loop: Loop?

    init(slot: Int) { self.slot = slot }
  }

  /// One running `forEach`.
  private final class Loop: @unchecked Sendable {
    let items: Int
    /// The loop from whose body it was called; nil: none.
    let outer: Loop?
    let failure = Mutex<(any Error)?>(nil)
    /// Released when the loop finishes; helpers come and go before.
    var body: (@Sendable (Int, Int) throws -> Void)?
    /// Threads other than the caller that work on it; touched under the board's condition.
    var helpers = 0
    /// Open loops that were called from its body itself; touched under the same.
    var inner = 0
    private let next = Atomic<Int>(0)
    private let ended = Atomic<Int>(0)

    init(
      items: Int, within outer: Loop?, body: @escaping @Sendable (Int, Int) throws -> Void
    ) {
      (self.items, self.outer, self.body) = (items, outer, body)
    }

    var hasWork: Bool { next.load(ordering: .relaxed) < items }
    var isDone: Bool { ended.load(ordering: .acquiring) == items }

    /// Whether it was called from within `other`, however deep.
    func isWithin(_ other: Loop) -> Bool {
      var loop = outer
      while let here = loop, here !== other { loop = here.outer }
      return loop != nil
    }

    // Kept out of line, so that no reference to the body outlives the call.
    @inline(never)
    func work(_ seat: Seat, _ board: Board) {
      guard let body else { return }
      let before = seat.loop
      seat.loop = self
      defer { seat.loop = before }
      while true {
        let item = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard item < items else { return }
        do {
          if board.cancellation.isAsked.load(ordering: .acquiring) { throw CancellationError() }
          if failure.withLock({ $0 == nil }) { try body(item, seat.slot) }
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
        loop.outer?.inner += 1
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

    /// The innermost loop with work left, of those within `outer` or, nil, of all, joined; waits for
    /// one, nil once `outer` is done or the pool is closed.
    func join(within outer: Loop? = nil) -> Loop? {
      condition.withLock {
        while !(outer?.isDone ?? closed) {
          if let loop = open(within: outer) {
            loop.helpers += 1
            return loop
          }
          condition.wait()
        }
        return nil
      }
    }

    /// The same without joining or waiting.
    private func open(within outer: Loop?) -> Loop? {
      guard let outer else { return loops.last(where: \.hasWork) }
      return outer.inner == 0 ? nil : loops.last { $0.hasWork && $0.isWithin(outer) }
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
        loop.outer?.inner -= 1
        loop.body = nil
      }
    }
  }
}
