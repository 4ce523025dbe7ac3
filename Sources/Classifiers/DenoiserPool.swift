import Diffusion
import TensorCore

/// A denoiser with one session for each worker, shared by everything that evaluates it.
public final class DenoiserPool: Sendable {
  /// The denoiser.
  public let denoiser: any Denoiser
  /// The threads.
  public let workers: WorkerPool
  private let sessions: SlotStorage

  /// Each slot is touched only by the worker that holds it, as `WorkerPool` promises.
  private final class SlotStorage: @unchecked Sendable {
    var slots: [Slot]
    init(_ count: Int, _ denoiser: any Denoiser) {
      slots = (0..<count).map { _ in Slot(denoiser) }
    }
  }

  /// One worker's session and buffers, `[C·H·W]` each.
  final class Slot {
    let session: any DenoiserSession
    private(set) var noise: [Float]
    var residual: [Float]
    var gradient: [Float]

    init(_ denoiser: any Denoiser) {
      session = denoiser.makeSession()
      let zeros = [Float](repeating: 0, count: denoiser.shape.count)
      (noise, residual, gradient) = (zeros, zeros, zeros)
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

    /// Evaluates r = D(x + σε) − x on the noise drawn last.
    func evaluate(_ image: [Float], sigma: Float, label: Int?, keeps: Bool) {
      let noise = self.noise
      Self.edit(&residual) {
        session.residual(
          image: image.span, noise: noise.span, sigma: sigma, label: label, into: &$0,
          keepsForBackward: keeps)
      }
    }

    /// Pulls the residual, which holds a cotangent by now, back to the image.
    func pullBack() {
      let residual = self.residual
      Self.edit(&gradient) { session.pullback(of: residual.span, into: &$0) }
    }

    /// Lets `body` write to a stored buffer through a span.
    private static func edit(_ buffer: inout [Float], _ body: (inout MutableSpan<Float>) -> Void) {
      var local: [Float] = []
      swap(&local, &buffer)
      var span = local.mutableSpan
      body(&span)
      swap(&local, &buffer)
    }
  }

  /// A pool over `workers`.
  public init(_ denoiser: any Denoiser, workers: WorkerPool) {
    self.denoiser = denoiser
    self.workers = workers
    sessions = SlotStorage(workers.count, denoiser)
  }

  /// Calls `body(item, slot)` for every item, spread over the workers.
  func forEach(_ items: Int, _ body: @Sendable (Int, Slot) throws -> Void) throws {
    try workers.forEach(items) { [sessions] item, slot in try body(item, sessions.slots[slot]) }
  }
}
