import Basics
import Foundation
import TensorCore

/// An engine at work: rows that many threads ask for go to it in batches of the size that it prefers,
/// one more being under way while it computes one.
///
/// Threads wait for their rows, so that what evaluates a network need not know that it is another
/// process: there are as many threads as keep it busy.
public final class EngineClient: @unchecked Sendable {
  /// What it says of itself.
  public let hello: EngineHello
  /// The command that started it.
  public let command: String
  /// Threads, enough to ask for the next batch while it computes one; they end with those of the
  /// session.
  package let workers: WorkerPool

  private let process: EngineProcess
  private let condition = NSCondition()
  // All below is touched only under `condition`.
  private var queues: [EngineOperation: [EngineCall]] = [:]
  /// Operations in the order in which they were asked for.
  private var order: [EngineOperation] = []
  private var sent: [Batch] = []
  private var failure: ElbowError?
  private var isClosed = false
  private var number = 0
  /// What it said last of its GPU.
  private var gpu: (joules: Double?, memory: Int?)

  /// Rows that went to the engine in one message.
  private struct Batch {
    var id: Int
    var operation: EngineOperation
    var parts: [(call: EngineCall, rows: Range<Int>)]
    var at: ContinuousClock.Instant
    var count: Int { parts.reduce(0) { $0 + $1.rows.count } }
  }

  /// Seconds that an answer may take where it says nothing else.
  private static let usualPatience = 300.0
  /// Batches that are under way at once.
  private static let depth = 2
  /// Threads at most.
  private static let mostThreads = 512

  /// Starts an engine and waits for its hello.
  ///
  /// - Parameters:
  ///   - command: as a shell takes it.
  ///   - workers: threads of the session: cancelling them cancels those of the engine.
  ///   - watch: is told where it lets wait for its hello.
  /// - Throws: `ElbowError` where it does not start, or says no hello; `CancellationError`.
  package init(
    _ command: String, following workers: WorkerPool, watch: WorkWatch = .none
  ) throws {
    self.command = command
    let process = try EngineProcess(command)
    self.process = process
    hello = try process.hello(to: command, following: workers, watch)
    gpu = (hello.gpuJoules, hello.gpuMemory)
    self.workers = WorkerPool(
      threads: min(max(workers.count, Self.depth * hello.batch), Self.mostThreads),
      following: workers)
    Thread.detachNewThread { [weak self] in
      while let step = self?.send, step() {}
    }
    Thread.detachNewThread { [weak self] in
      while let step = self?.receive, step() {}
    }
  }

  deinit {
    condition.withLock {
      isClosed = true
      condition.broadcast()
    }
  }

  /// Images in flight that keep it busy.
  package var imagesInFlight: Int {
    min(workers.count, max(4, Self.depth * hello.batch / max(hello.classes, 1)))
  }

  /// Asks for rows and waits for them.
  ///
  /// - Parameters:
  ///   - operation: what is computed.
  ///   - inputs: of every tensor that it takes, all rows.
  /// - Returns: the answer, row after row.
  /// - Throws: `ElbowError` where the engine has failed, `CancellationError`.
  func ask(_ operation: EngineOperation, _ inputs: [[Float]]) throws -> [Float] {
    let call = EngineCall(operation, inputs)
    try condition.withLock {
      if let failure { throw failure }
      if queues[operation, default: []].isEmpty { order.append(operation) }
      queues[operation, default: []].append(call)
      condition.broadcast()
    }
    while !call.wait(seconds: 0.2) {
      if workers.isCancelled { throw CancellationError() }
    }
    return try call.result()
  }

  /// What it has used since it was started.
  package var usage: EngineUsage {
    var usage = process.usage
    condition.withLock { (usage.gpuEnergy, usage.gpuMemory) = gpu }
    return usage
  }

  private func fail(_ error: ElbowError) {
    let calls = condition.withLock {
      if failure == nil { failure = error }
      defer { (queues, order, sent) = ([:], [], []) }
      condition.broadcast()
      return queues.values.flatMap(\.self) + sent.flatMap { $0.parts.map(\.call) }
    }
    process.kill()
    for call in calls { call.fail(error) }
  }

  private func described(_ what: String) -> ElbowError {
    ElbowError(
      .inaccessible,
      "the engine '\(command)' \(what)\(process.lastWords); start the run again with `resume` and "
        + "`engine` when it works")
  }

  // MARK: The thread that sends

  /// Sends one batch, where one comes together within a second.
  ///
  /// - Returns: false at the end.
  private func send() -> Bool {
    guard let batch = nextBatch() else { return condition.withLock { !isClosed && failure == nil } }
    var header = "{\"id\":\(batch.id),\"op\":\"\(batch.operation.name)\",\"n\":\(batch.count)"
    if let cotangent = batch.operation.cotangent { header += ",\"cotangent\":\"\(cotangent)\"" }
    let tensors = batch.operation.inputs.indices.map { index in
      var tensor: [Float] = []
      tensor.reserveCapacity(batch.count * batch.operation.inputs[index])
      for part in batch.parts { tensor += part.call.rows(part.rows, ofInput: index) }
      return tensor
    }
    let bytes = tensors.reduce(0) { $0 + 4 * $1.count }
    header += ",\"bytes\":\(bytes)}\n"
    do {
      try Array(header.utf8).withUnsafeBytes { try process.write([$0]) }
      for tensor in tensors { try tensor.withUnsafeBytes { try process.write([$0]) } }
    } catch {
      fail(described("takes no requests any more"))
      return false
    }
    return true
  }

  /// Waits until a batch is worth sending: the engine has nothing to do, or a whole one has come
  /// together while it computes the one before. nil at the end, and after a second.
  private func nextBatch() -> Batch? {
    let end = Date(timeIntervalSinceNow: 1)
    return condition.withLock {
      while !isClosed, failure == nil {
        if let operation = order.first, let calls = queues[operation], sent.count < Self.depth {
          let waiting = calls.reduce(0) { $0 + $1.unsent }
          if sent.isEmpty || waiting >= hello.batch { return take(operation) }
        }
        // Whoever holds the client lets it go in between.
        guard condition.wait(until: end) else { return nil }
      }
      return nil
    }
  }

  private func take(_ operation: EngineOperation) -> Batch {
    number += 1
    var batch = Batch(id: number, operation: operation, parts: [], at: .now)
    var room = hello.batch
    var calls = queues[operation] ?? []
    var whole = 0
    while room > 0, whole < calls.count {
      let rows = calls[whole].takeRows(room)
      batch.parts.append((calls[whole], rows))
      room -= rows.count
      if calls[whole].unsent == 0 { whole += 1 }
    }
    calls.removeFirst(whole)
    queues[operation] = calls
    order.removeFirst()
    // What is left waits behind the other operations.
    if !calls.isEmpty { order.append(operation) }
    sent.append(batch)
    return batch
  }

  // MARK: The thread that receives

  /// Receives one answer, where one comes soon.
  ///
  /// - Returns: false at the end.
  private func receive() -> Bool {
    do {
      guard process.isReadable(milliseconds: 200) else {
        try checkTime()
        return true
      }
      guard let line = try process.line(checkTime) else {
        if !condition.withLock({ isClosed }) { fail(described("ended")) }
        return false
      }
      try take(answer: line)
      return true
    } catch let error as ElbowError {
      fail(error)
    } catch {
      fail(described("cannot be heard: \(error)"))
    }
    return false
  }

  /// - Throws: `ElbowError` where the oldest batch waits for too long.
  private func checkTime() throws {
    let patience = hello.patience ?? Self.usualPatience
    let (closed, late) = condition.withLock {
      (isClosed, sent.first.map { ContinuousClock.now - $0.at > .seconds(patience) } ?? false)
    }
    if closed { throw ElbowError(.inaccessible, "the engine was let go") }
    if late { throw described("has not answered for \(JSONValue.canonical(number: patience)) s") }
  }

  private func take(answer line: [UInt8]) throws {
    guard let answer = try? JSONDecoder().decode(EngineAnswer.self, from: Data(line)) else {
      let text = String(decoding: line.prefix(120), as: UTF8.self)
      throw described(
        "printed '\(text)' where an answer should stand; what is not for Elbow belongs on standard error"
      )
    }
    guard let batch = condition.withLock({ sent.first }), batch.id == answer.id else {
      throw described("answered request \(answer.id) out of turn")
    }
    if let error = answer.error { throw described("could not compute: \(error)") }
    let rows = batch.count
    let expected = 4 * rows * batch.operation.output
    guard answer.bytes == expected else {
      throw described(
        "answered \(answer.bytes ?? 0) bytes to '\(batch.operation.name)', and \(rows.counted("row")) of "
          + "\(batch.operation.output) Float32 take \(expected)")
    }
    var isWhole = false
    let values = try [Float](unsafeUninitializedCapacity: expected / 4) { space, count in
      isWhole = try process.read(into: UnsafeMutableRawBufferPointer(space), checkTime)
      count = isWhole ? expected / 4 : 0
    }
    guard isWhole else { throw described("ended in the middle of an answer") }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw described(
        "answered \(values[bad]) in row \(bad / batch.operation.output) of \(rows) to "
          + "'\(batch.operation.name)'\(place(of: bad / batch.operation.output, batch))")
    }
    condition.withLock {
      sent.removeFirst()
      gpu = (answer.gpuJoules ?? gpu.joules, answer.gpuMemory ?? gpu.memory)
      condition.broadcast()
    }
    var first = 0
    for part in batch.parts {
      let count = part.rows.count * batch.operation.output
      part.call.give(values[first..<first + count], to: part.rows)
      first += count
    }
  }

  /// As ` (σ = 0.5, class 3)`.
  private func place(of row: Int, _ batch: Batch) -> String {
    guard hello.kind == .denoiser else { return "" }
    var row = row
    for part in batch.parts {
      if row < part.rows.count {
        let index = part.rows.lowerBound + row
        // One number a row each.
        let values = (0...1).map { part.call.rows(index..<index + 1, ofInput: $0).first ?? .nan }
        let label = Int32(bitPattern: values[1].bitPattern)
        return " (σ = \(values[0]), \(label < 0 ? "no label" : "class \(label)"))"
      }
      row -= part.rows.count
    }
    return ""
  }
}
