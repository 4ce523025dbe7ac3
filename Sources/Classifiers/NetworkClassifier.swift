import Networks
import Records
import Synchronization
import TensorCore

/// A network that classifies by itself: the evidence for a class is its logit.
///
/// One image is one network evaluation; nothing is drawn at random.
public final class NetworkClassifier: ImageClassifier {
  public let shape: ImageShape
  public let classCount: Int
  public var isRandomized: Bool { false }
  private let workers: WorkerPool
  private let sessions: Sessions

  /// Each slot is touched only by the worker that holds it, as `WorkerPool` promises.
  private final class Sessions: @unchecked Sendable {
    let slots: [ResNet.Session]
    init(_ count: Int, _ network: ResNet) {
      slots = (0..<count).map { _ in ResNet.Session(network) }
    }
  }

  /// A classifier over `network`, with a session for each worker.
  public init(_ network: ResNet, workers: WorkerPool) {
    shape = network.shape
    classCount = network.architecture.classes
    self.workers = workers
    sessions = Sessions(workers.count, network)
  }

  public func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> Answer {
    let answer = try logits(of: image, key: key, stream: stream)
    return Answer(logits: answer.logits, cost: answer.cost)
  }

  public func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> LogitAnswer {
    let result = try evaluate(image, cotangent: nil)
    return LogitAnswer(logits: result.logits, cost: result.cost)
  }

  public func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    try withoutActuallyEscaping(cotangent) { try evaluate(image, cotangent: $0) }
  }

  /// One pass, and the way back where a cotangent is asked for and is not zero.
  private func evaluate(
    _ image: [Float], cotangent: (@Sendable ([Double]) -> [Double])?
  ) throws -> LogitGradient {
    let result = Mutex(LogitGradient(logits: [], gradient: [], cost: Cost(evaluations: 1)))
    // One item: whoever takes it works with the session of its own slot.
    try workers.forEach(1) { [sessions, classCount] _, slot in
      let session = sessions.slots[slot]
      var values = [Float](repeating: 0, count: classCount)
      var output = values.mutableSpan
      session.logits(of: image.span, into: &output, keepsForBackward: cotangent != nil)
      let logits = values.map(Double.init)
      var gradient = [Float](repeating: 0, count: image.count)
      let slope = cotangent?(logits).map { Float($0) } ?? []
      let isFlat = slope.allSatisfy { $0 == 0 }
      if !isFlat {
        var pulled = gradient.mutableSpan
        session.pullback(of: slope.span, into: &pulled)
      }
      let made = gradient
      result.withLock {
        ($0.logits, $0.gradient, $0.cost.gradients) = (logits, made, isFlat ? 0 : 1)
      }
    }
    return result.withLock { $0 }
  }
}
