import Foundation
import Synchronization
import TensorCore
import Testing

@Suite struct ArenaTests {
  /// Below and above the size from which a buffer is a mapping of its own.
  @Test(arguments: [0, 1, (1 << 19) - 1, 1 << 19, (1 << 19) + 1, 3_000_001])
  func buffersAreZeroAndAligned(count: Int) {
    for _ in 0..<3 {
      let buffer = AlignedBuffer(count: count)
      #expect(Int(bitPattern: buffer.base) % 64 == 0)
      #expect((0..<count).allSatisfy { buffer.base[$0] == 0 })
      buffer.base.update(repeating: 1, count: count)
    }
    let values = (0..<count).map(Float.init)
    let copy = AlignedBuffer(values, paddedTo: count + 5)
    #expect(copy.count == count + 5)
    #expect(values.indices.allSatisfy { copy.base[$0] == values[$0] })
    #expect((count..<count + 5).allSatisfy { copy.base[$0] == 0 })
  }

  @Test func memoryIsReusedAfterRelease() {
    let arena = Arena()
    let first = arena.take(100)
    let mark = arena.mark
    let second = arena.take(17 << 20)
    let capacity = arena.capacity
    arena.release(to: mark)
    #expect(arena.take(17 << 20) == second)
    #expect(arena.capacity == capacity)
    arena.release(to: .start)
    #expect(arena.take(5) == first)
    #expect(Int(bitPattern: arena.take(1)) % 64 == 0)
  }
}

@Suite struct WorkerPoolTests {
  struct Failure: Error, Equatable { let item: Int }

  @Test(arguments: [1, 2, 5])
  func visitsEveryItemOnceAlsoWhenNested(threads: Int) throws {
    let pool = WorkerPool(threads: threads)
    let counts = Mutex([Int: Int]())
    try pool.forEach(13) { outer, _ in
      try pool.forEach(7) { inner, slot in
        precondition((0..<threads).contains(slot))
        counts.withLock { $0[outer * 7 + inner, default: 0] += 1 }
      }
    }
    let result = counts.withLock { $0 }
    #expect(result.count == 91)
    #expect(result.values.allSatisfy { $0 == 1 })
  }

  /// Two threads may never be inside the same slot.
  @Test func slotsAreExclusive() throws {
    let pool = WorkerPool(threads: 3)
    let busy = Mutex(Set<Int>())
    let clashes = Atomic<Int>(0)
    try pool.forEach(300) { _, slot in
      if busy.withLock({ !$0.insert(slot).inserted }) { clashes.add(1, ordering: .relaxed) }
      usleep(50)
      _ = busy.withLock { $0.remove(slot) }
    }
    #expect(clashes.load(ordering: .relaxed) == 0)
  }

  /// A caller whose own items have ended works on what another thread's item calls for.
  @Test func callersHelpWithinTheirLoops() throws {
    let pool = WorkerPool(threads: 2)
    let begun = Atomic(false)
    let slots = Mutex(Set<Int>())
    @Sendable func wait(until isTrue: () -> Bool) {
      let end = Date.now + 20
      while !isTrue(), Date.now < end { usleep(100) }
    }
    try pool.forEach(2) { _, slot in
      guard slot != 0 else { return wait { begun.load(ordering: .acquiring) } }
      begun.store(true, ordering: .releasing)
      try pool.forEach(2) { _, slot in
        slots.withLock { _ = $0.insert(slot) }
        wait { slots.withLock { $0.count == 2 } }
      }
    }
    #expect(slots.withLock { $0 } == [0, 1])
  }

  @Test func rethrowsAndSkipsTheRest() {
    let pool = WorkerPool(threads: 2)
    let ran = Atomic<Int>(0)
    #expect(throws: Failure(item: 3)) {
      try pool.forEach(1000) { item, _ in
        ran.add(1, ordering: .relaxed)
        if item == 3 { throw Failure(item: 3) }
        usleep(100)
      }
    }
    #expect(ran.load(ordering: .relaxed) < 1000)
  }
}

@Suite struct WorkerPoolStressTests {
  /// Many short loops, so that helpers come late, when a loop has already ended.
  @Test func shortLoopsLetGoOfTheirBodies() throws {
    let pool = WorkerPool(threads: 4)
    for _ in 0..<20_000 { try pool.forEach(3) { _, _ in } }
  }

  @Test func cancelledPoolsBeginNothing() {
    let pool = WorkerPool(threads: 2)
    pool.cancel()
    #expect(throws: CancellationError.self) {
      try pool.forEach(10) { _, _ in Issue.record("began an item") }
    }
  }
}
