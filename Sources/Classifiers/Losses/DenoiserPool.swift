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
    /// ε, `[C·H·W]`.
    private(set) var noise: [Float]
    /// What `evaluate` found, `[labels, C·H·W]`.
    private var residuals: [Float] = []
    /// What `differentiate` found, `[C·H·W]`.
    private(set) var gradient: [Float]

    init(_ denoiser: any Denoiser) {
      session = denoiser.makeSession()
      noise = [Float](repeating: 0, count: denoiser.shape.count)
      gradient = noise
    }

    /// What `noise` holds; nil: something else.
    private var drawn: (key: NoiseKey, negated: Bool)?

    /// Draws the noise that `key` names, unless it is the last one drawn: classes that share noise
    /// come one after the other.
    func draw(_ key: NoiseKey, negated: Bool = false) {
      if let drawn, drawn == (key, negated) { return }
      drawn = (key, negated)
      var random = key.random()
      Self.edit(&noise) { random.gaussians(into: &$0) }
      if negated { for i in noise.indices { noise[i] = -noise[i] } }
    }

    /// Takes noise from elsewhere.
    func take(_ values: [Float]) {
      drawn = nil
      noise = values
    }

    /// The residuals D(x + σε; σ, y) − x of `labels` on the noise drawn last, each given to `body`
    /// with its index.
    func evaluate(
      _ image: [Float], sigma: Float, labels: [Int?], _ body: (Int, ArraySlice<Float>) -> Void
    ) throws {
      let (noise, size) = (self.noise, image.count)
      if residuals.count != labels.count * size {
        residuals = Array(repeating: 0, count: labels.count * size)
      }
      try Self.edit(&residuals) {
        try session.residuals(
          image: image.span, noise: noise.span, sigma: sigma, labels: labels, into: &$0)
      }
      for index in labels.indices { body(index, residuals[index * size..<(index + 1) * size]) }
    }

    /// Leaves in `gradient` what the session's gradient is on the noise drawn last.
    func differentiate(
      _ image: [Float], sigma: Float, labels: [Int?], of cotangent: ResidualCotangent
    ) throws {
      let noise = self.noise
      try Self.edit(&gradient) {
        try session.gradient(
          image: image.span, noise: noise.span, sigma: sigma, labels: labels, into: &$0,
          of: cotangent)
      }
    }

    /// The same of one label for a v that is no multiple of the residual.
    func differentiate(
      _ image: [Float], sigma: Float, label: Int?, by cotangent: [Float]
    ) throws {
      let noise = self.noise
      try Self.edit(&gradient) {
        try session.gradient(
          image: image.span, noise: noise.span, sigma: sigma, labels: [label], into: &$0
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

  /// Calls `body(item, slot)` for every item, spread over the workers.
  func forEach(_ items: Int, _ body: @Sendable (Int, Slot) throws -> Void) throws {
    try workers.forEach(items) { [sessions] item, slot in try body(item, sessions.slots[slot]) }
  }
}
