import Networks
import Records
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

  public func logits(of images: [DrawnImage], key: ImageKey) throws -> [LogitAnswer] {
    try workers.map(images.count) { [sessions] index, slot in
      LogitAnswer(
        logits: sessions.slots[slot].logits(of: images[index].image, keepsForBackward: false),
        cost: Cost(evaluations: 1))
    }
  }

  /// An image's pass is computed again on the way back, and counts once: to keep it takes more memory
  /// than time is won.
  public func passes(
    of images: [DrawnImage], key: ImageKey, asking demand: GradientDemand
  ) throws -> LogitPasses {
    LogitPasses(answers: try logits(of: images, key: key)) { [workers, sessions] slopes in
      let gradients = try workers.map(images.count) { index, slot in
        let (session, image) = (sessions.slots[slot], images[index].image)
        _ = session.logits(of: image, keepsForBackward: true)
        return session.pullback(of: slopes[index], count: image.count)
      }
      return (gradients, Cost(gradients: images.count))
    }
  }

  /// One pass, and the way back where a cotangent is asked for and is not zero.
  private func evaluate(
    _ image: [Float], cotangent: (@Sendable ([Double]) -> [Double])?
  ) throws -> LogitGradient {
    // One item: whoever takes it works with the session of its own slot.
    try workers.map(1) { [sessions] _, slot in
      let session = sessions.slots[slot]
      let logits = session.logits(of: image, keepsForBackward: cotangent != nil)
      let slope = cotangent?(logits) ?? []
      let isFlat = slope.allSatisfy { $0 == 0 }
      return LogitGradient(
        logits: logits,
        gradient: isFlat
          ? [Float](repeating: 0, count: image.count)
          : session.pullback(of: slope, count: image.count),
        cost: Cost(evaluations: 1, gradients: isFlat ? 0 : 1))
    }[0]
  }
}

extension ResNet.Session {
  /// The logits of one image, pixel units.
  fileprivate func logits(of image: [Float], keepsForBackward keeps: Bool) -> [Double] {
    var values = [Float](repeating: 0, count: classCount)
    var output = values.mutableSpan
    logits(of: image.span, into: &output, keepsForBackward: keeps)
    return values.map(Double.init)
  }

  /// The gradient (∂z/∂x)ᵀ v of the logits kept last, one of `count` values.
  fileprivate func pullback(of slope: [Double], count: Int) -> [Float] {
    let cotangent = slope.map { Float($0) }
    var gradient = [Float](repeating: 0, count: count)
    var pulled = gradient.mutableSpan
    pullback(of: cotangent.span, into: &pulled)
    return gradient
  }
}
