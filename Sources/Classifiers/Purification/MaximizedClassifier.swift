import TensorCore

/// Likelihood maximization, then any classifier: RDC where that is the diffusion classifier.
///
/// Gradients pass through the maximization as through the identity (BPDA).
public struct MaximizedClassifier<Base: ImageClassifier>: ImageClassifier {
  let base: Base
  let maximizer: LikelihoodMaximizer

  /// `base` on what `maximizer` makes of the image.
  public init(_ maximizer: LikelihoodMaximizer, _ base: Base) {
    self.base = base
    self.maximizer = maximizer
  }

  public var shape: ImageShape { base.shape }
  public var classCount: Int { base.classCount }

  public func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> Answer {
    let (moved, cost) = try maximizer.maximize(image, key: key, stream: stream)
    var answer = try base.classify(moved, key: key, stream: stream)
    answer.cost = answer.cost + cost
    let movement = zip(moved, image).map { Double(($0 - $1).magnitude) }
    answer.movementMax = movement.max()
    answer.movementMean = movement.reduce(0, +) / Double(movement.count)
    return answer
  }

  public func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> (logits: [Double], cost: Cost) {
    let (moved, cost) = try maximizer.maximize(image, key: key, stream: stream)
    let result = try base.logits(of: moved, key: key, stream: stream)
    return (result.logits, result.cost + cost)
  }

  public func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    let (moved, cost) = try maximizer.maximize(image, key: key, stream: stream)
    var result = try base.gradient(of: moved, key: key, stream: stream, cotangent: cotangent)
    result.cost = result.cost + cost
    return result
  }
}
