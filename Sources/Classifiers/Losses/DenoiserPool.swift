import Foundation
import Networks
import TensorCore

/// A denoiser with one session for each worker, shared by everything that evaluates it.
public final class DenoiserPool: Sendable {
  /// The denoiser.
  public let denoiser: any Denoiser
  /// The threads.
  public let workers: WorkerPool
  private let sessions: SlotStorage
  private let idle = IdleStorage()

  /// Each slot is touched only by the worker that holds it, as `WorkerPool` promises.
  private final class SlotStorage: @unchecked Sendable {
    var slots: [Slot]
    init(_ count: Int, _ denoiser: any Denoiser) {
      slots = (0..<count).map { _ in Slot(denoiser) }
    }
  }

  /// Places for kept evaluations that nobody uses.
  private final class IdleStorage: @unchecked Sendable {
    private let lock = NSLock()
    private var evaluations: [any KeptEvaluations] = []

    func take() -> (any KeptEvaluations)? { lock.withLock { evaluations.popLast() } }
    func put(_ one: any KeptEvaluations) { lock.withLock { evaluations.append(one) } }
  }

  /// One worker's session and buffers.
  final class Slot {
    private let session: any DenoiserSession
    /// The noise drawn last, `[C·H·W]`.
    private var noise: [Float]
    /// Its name; nil: none was drawn.
    private var drawn: (key: NoiseKey, negated: Bool)?
    /// What `evaluate` found, `[labels, C·H·W]`.
    private var residuals: [Float] = []
    /// What `differentiate` found, `[C·H·W]`.
    private(set) var gradient: [Float]

    init(_ denoiser: any Denoiser) {
      session = denoiser.makeSession()
      noise = [Float](repeating: 0, count: denoiser.shape.count)
      gradient = noise
    }

    /// The noise ε ~ N(0, I) that `key` names, `[C·H·W]`; drawn once where it is asked for again and
    /// again, as classes that share it are.
    func draw(_ key: NoiseKey, negated: Bool = false) -> [Float] {
      if let drawn, drawn == (key, negated) { return noise }
      drawn = (key, negated)
      var random = key.random()
      Self.edit(&noise) { random.gaussians(into: &$0) }
      if negated { for i in noise.indices { noise[i] = -noise[i] } }
      return noise
    }

    /// The residuals of queries, `[labels, C·H·W]`, each given to `body` with its index, in order.
    func evaluate(
      _ queries: [DenoisingQuery], _ body: (Int, Span<Float>) -> Void
    ) throws {
      guard queries.count == 1 else { return try session.evaluate(queries, body) }
      // Labels of one query have the first layers in common, which a group does not know.
      let query = queries[0]
      let count = query.labels.count * query.image.count
      if residuals.count != count { residuals = Array(repeating: 0, count: count) }
      try Self.edit(&residuals) {
        try session.residuals(
          image: query.image.span, noise: query.noise.span, sigma: query.sigma,
          labels: query.labels, into: &$0)
      }
      let found = residuals
      body(0, found.span)
    }

    /// Leaves the session's gradient of a query in `gradient`.
    func differentiate(_ query: DenoisingQuery, of cotangent: ResidualCotangent) throws {
      try Self.edit(&gradient) {
        try session.gradient(
          image: query.image.span, noise: query.noise.span, sigma: query.sigma,
          labels: query.labels, into: &$0, of: cotangent)
      }
    }

    /// The same of a query of one label for a v that is no multiple of the residual.
    func differentiate(_ query: DenoisingQuery, by cotangent: [Float]) throws {
      try Self.edit(&gradient) {
        try session.gradient(
          image: query.image.span, noise: query.noise.span, sigma: query.sigma,
          labels: query.labels, into: &$0
        ) { _, residual in
          for i in cotangent.indices { residual[i] = cotangent[i] }
        }
      }
    }

    /// Lets `body` write to a stored buffer through a span.
    private static func edit(
      _ buffer: inout [Float], _ body: (inout MutableSpan<Float>) throws -> Void
    ) rethrows {
      var local: [Float] = []
      swap(&local, &buffer)
      defer { swap(&local, &buffer) }
      var span = local.mutableSpan
      try body(&span)
    }
  }

  /// A pool over `workers`.
  public init(_ denoiser: any Denoiser, workers: WorkerPool) {
    self.denoiser = denoiser
    self.workers = workers
    sessions = SlotStorage(workers.count, denoiser)
  }

  /// What `body` returns on one worker.
  func withSlot<T: Sendable>(_ body: @Sendable (Slot) throws -> T) throws -> T {
    try workers.map(1) { [sessions] _, slot in try body(sessions.slots[slot]) }[0]
  }

  /// A place for evaluations that wait for their gradients; nil where the denoiser keeps none.
  func borrow() -> (any KeptEvaluations)? { idle.take() ?? denoiser.makeKeptEvaluations() }

  /// Gives back what was borrowed, its memory kept for the next.
  func giveBack(_ evaluations: any KeptEvaluations) { idle.put(evaluations) }

  /// Labels that one call should take of `count` at each of so many levels: few enough to keep all
  /// threads busy, but all of them where another process puts calls together.
  func labelsPerCall(of count: Int, levels: Int) -> Int {
    denoiser.preferredBatch == nil ? count * levels / (4 * workers.count) : count
  }

  /// Evaluations of noise of their own that one call should take of `count`: few enough to keep all
  /// threads busy, but one where another process puts calls together.
  func queriesPerCall(of count: Int) -> Int {
    denoiser.preferredBatch == nil
      ? max(1, min(KeptPasses.groupSize, count / workers.count)) : 1
  }

  /// Calls `body(item, slot)` for every item, spread over the workers.
  func forEach(_ items: Int, _ body: @Sendable (Int, Slot) throws -> Void) throws {
    try workers.forEach(items) { [sessions] item, slot in try body(item, sessions.slots[slot]) }
  }
}

extension Array where Element == Float {
  /// A span's values.
  init(_ span: Span<Float>) {
    self = span.withUnsafeBufferPointer { Array($0) }
  }
}
