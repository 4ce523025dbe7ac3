/// An image, with the stream of what a classifier draws for it.
public struct DrawnImage: Sendable {
  /// Planar `[C, H, W]`, pixel units [0, 1].
  public var image: [Float]
  /// Names the noise.
  public var stream: NoiseStream

  /// The image as given.
  public init(_ image: [Float], on stream: NoiseStream) {
    (self.image, self.stream) = (image, stream)
  }
}

/// Logits of several images with the way back to each: for what needs all of them before it knows
/// what any of them weighs.
public struct LogitPasses {
  /// One an image.
  public var answers: [LogitAnswer]
  /// ∂(Σ_k c_k·logit_k)/∂x of every image for its c, `[K]`, each planar `[C, H, W]` in pixel units,
  /// and what that takes besides; asked for once.
  public var pullback: (_ cotangents: [[Double]]) throws -> (gradients: [[Float]], cost: Cost)

  /// The passes as given.
  public init(
    answers: [LogitAnswer],
    pullback: @escaping (_ cotangents: [[Double]]) throws -> (gradients: [[Float]], cost: Cost)
  ) {
    (self.answers, self.pullback) = (answers, pullback)
  }
}

extension LogitClassifier {
  public func logits(of images: [DrawnImage], key: ImageKey) throws -> [LogitAnswer] {
    try images.map { try logits(of: $0.image, key: key, stream: $0.stream) }
  }
}

extension DifferentiableClassifier {
  /// Each image alone, its logits once more for its gradient.
  public func passes(
    of images: [DrawnImage], key: ImageKey, asking demand: GradientDemand
  ) throws -> LogitPasses {
    LogitPasses(answers: try logits(of: images, key: key)) { cotangents in
      var (gradients, cost): ([[Float]], Cost) = ([], Cost())
      for (drawn, cotangent) in zip(images, cotangents) {
        let result = try gradient(
          of: drawn.image, key: key, stream: drawn.stream, asking: demand,
          cotangent: { _ in cotangent })
        gradients.append(result.gradient)
        cost = cost + result.cost
      }
      return (gradients, cost)
    }
  }
}
