import Basics
import Records
import TensorCore

/// A purifier, then any classifier: RDC where that is likelihood maximization before the diffusion
/// classifier, DiffPure where it is diffusion and the way back before a network.
///
/// How gradients pass through the purifier is the attacker's choice: as through the identity (BPDA),
/// exactly, or as through a smoothed sign.
public struct PurifiedClassifier<Base: ImageClassifier>: ImageClassifier {
  let base: Base
  let purifier: any Purifier
  private let passage: AttackConfiguration.Gradient
  private let smoothing: Double

  /// `base` on what `purifier` makes of the image.
  ///
  /// - Parameters:
  ///   - passage: how gradients pass through the purifier.
  ///   - smoothing: τ of the smoothed sign.
  /// - Throws: `ElbowError` for a way that the purifier has not.
  public init(
    _ purifier: any Purifier, _ base: Base, passage: AttackConfiguration.Gradient,
    smoothing: Double = 1
  ) throws {
    if let problem = purifier.problem(passage) { throw ElbowError(.malformed, problem) }
    (self.base, self.purifier) = (base, purifier)
    (self.passage, self.smoothing) = (passage, smoothing)
  }

  /// `base` on what `purifier` makes of the image, gradients passing as through the identity.
  public init(_ purifier: any Purifier, _ base: Base) {
    (self.base, self.purifier) = (base, purifier)
    (passage, smoothing) = (.bpda, 1)
  }

  public var shape: ImageShape { base.shape }
  public var classCount: Int { base.classCount }
  public var isRandomized: Bool { purifier.isRandomized || base.isRandomized }

  public func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> Answer {
    let moved = try purifier.purify(image, key: key, stream: stream).image
    var answer = try base.classify(moved, key: key, stream: stream)
    answer.cost = answer.cost + purifier.cost
    let movement = zip(moved, image).map { Double(($0 - $1).magnitude) }
    answer.movementMax = movement.max()
    answer.movementMean = movement.reduce(0, +) / Double(movement.count)
    return answer
  }

  public func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> LogitAnswer {
    let moved = try purifier.purify(image, key: key, stream: stream).image
    var result = try base.logits(of: moved, key: key, stream: stream)
    result.cost = result.cost + purifier.cost
    return result
  }

  public func logits(of images: [DrawnImage], key: ImageKey) throws -> [LogitAnswer] {
    let moved = try purifier.passes(
      of: images, key: key, keepsForBackward: false, smoothing: nil)
    return purified(try base.logits(of: moved.images(on: images), key: key))
  }

  public func passes(
    of images: [DrawnImage], key: ImageKey, asking demand: GradientDemand
  ) throws -> LogitPasses {
    let moved = try purifier.passes(
      of: images, key: key, keepsForBackward: passage != .bpda, smoothing: tau)
    let own = try base.passes(of: moved.images(on: images), key: key, asking: demand)
    return LogitPasses(answers: purified(own.answers)) { [purifier, passage] cotangents in
      var result = try own.pullback(cotangents)
      guard passage != .bpda else { return result }
      result.gradients = try moved.pullback(result.gradients)
      result.cost = result.cost + purifier.pullbackCost(passage) * images.count
      return result
    }
  }

  /// Answers of the classifier behind, with what moving the images took.
  private func purified(_ answers: [LogitAnswer]) -> [LogitAnswer] {
    answers.map {
      LogitAnswer(logits: $0.logits, cost: $0.cost + purifier.cost, predicted: $0.predicted)
    }
  }

  /// τ of the smoothed sign, where that is the way.
  private var tau: Double? { passage == .smoothed ? smoothing : nil }

  public func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    let moved = try purifier.passes(
      of: [DrawnImage(image, on: stream)], key: key, keepsForBackward: passage != .bpda,
      smoothing: tau)
    var result = try base.gradient(
      of: moved.images[0], key: key, stream: stream, asking: demand, cotangent: cotangent)
    result.cost = result.cost + purifier.cost
    guard passage != .bpda, result.gradient.contains(where: { $0 != 0 }) else { return result }
    result.gradient = try moved.pullback([result.gradient])[0]
    result.cost = result.cost + purifier.pullbackCost(passage)
    return result
  }
}

extension PurificationPasses {
  /// The moved images, each on its image's stream.
  fileprivate func images(on streams: [DrawnImage]) -> [DrawnImage] {
    zip(images, streams).map { DrawnImage($0, on: $1.stream) }
  }
}
