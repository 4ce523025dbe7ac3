import Basics
import Records
import TensorCore

/// Likelihood maximization, then any classifier: RDC where that is the diffusion classifier.
///
/// How gradients pass through the maximization is the attacker's choice: as through the identity
/// (BPDA), exactly, or as through a smoothed sign.
public struct MaximizedClassifier<Base: ImageClassifier>: ImageClassifier {
  let base: Base
  let maximizer: LikelihoodMaximizer
  private let passage: AttackConfiguration.Gradient
  private let smoothing: Double

  /// `base` on what `maximizer` makes of the image.
  ///
  /// - Parameters:
  ///   - passage: how gradients pass through the maximization.
  ///   - smoothing: τ of the smoothed sign.
  /// - Throws: `ElbowError` for a way that the maximization has not.
  public init(
    _ maximizer: LikelihoodMaximizer, _ base: Base, passage: AttackConfiguration.Gradient,
    smoothing: Double = 1
  ) throws {
    if let problem = maximizer.problem(passage) { throw ElbowError(.malformed, problem) }
    (self.base, self.maximizer) = (base, maximizer)
    (self.passage, self.smoothing) = (passage, smoothing)
  }

  /// `base` on what `maximizer` makes of the image, gradients passing as through the identity.
  public init(_ maximizer: LikelihoodMaximizer, _ base: Base) {
    (self.base, self.maximizer) = (base, maximizer)
    (passage, smoothing) = (.bpda, 1)
  }

  public var shape: ImageShape { base.shape }
  public var classCount: Int { base.classCount }
  /// Likelihood maximization draws its noise levels at random.
  public var isRandomized: Bool { true }

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
    guard passage != .bpda, result.gradient.contains(where: { $0 != 0 }) else { return result }
    result.gradient = try maximizer.pullback(
      of: result.gradient, at: image, key: key, stream: stream,
      smoothing: passage == .smoothed ? smoothing : nil)
    result.cost = result.cost + maximizer.pullbackCost(passage)
    return result
  }
}
