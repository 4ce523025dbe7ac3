import Basics
import Classifiers
import Records
import TensorCore

/// A classifier that another process computes: the evidence for a class is its logit.
///
/// The cotangent of a gradient is chosen by the logits, so that a gradient is asked for in two steps
/// and computes the logits twice; it counts as one evaluation and one backward pass all the same.
public final class EngineClassifier: ImageClassifier {
  private let client: EngineClient

  /// The classifier that an engine serves.
  ///
  /// - Throws: `ElbowError` where it serves another thing.
  public init(_ client: EngineClient) throws {
    guard client.hello.kind == .classifier else {
      throw ElbowError(
        .malformed,
        "the engine serves a denoiser, not a classifier; take it with `classifier` dc or rdc")
    }
    self.client = client
  }

  public var shape: ImageShape { client.hello.imageShape }
  public var classCount: Int { client.hello.classes }
  public var isRandomized: Bool { false }

  public func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> Answer {
    let answer = try logits(of: image, key: key, stream: stream)
    return Answer(logits: answer.logits, cost: answer.cost)
  }

  public func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> LogitAnswer {
    let values = try client.ask(.logits(shape.count, classes: classCount), [image])
    return LogitAnswer(logits: values.map(Double.init), cost: Cost(evaluations: 1))
  }

  public func logits(of images: [DrawnImage], key: ImageKey) throws -> [LogitAnswer] {
    let values = try client.ask(
      .logits(shape.count, classes: classCount), [images.flatMap(\.image)])
    return images.indices.map { row in
      LogitAnswer(
        logits: values[row * classCount..<(row + 1) * classCount].map(Double.init),
        cost: Cost(evaluations: 1))
    }
  }

  public func passes(
    of images: [DrawnImage], key: ImageKey, asking demand: GradientDemand
  ) throws -> LogitPasses {
    LogitPasses(answers: try logits(of: images, key: key)) { [client, shape, classCount] slopes in
      let gradients = try client.ask(
        .logitPullback(shape.count, classes: classCount),
        [images.flatMap(\.image), slopes.flatMap { $0.map { Float($0) } }])
      return (
        images.indices.map { Array(gradients[$0 * shape.count..<($0 + 1) * shape.count]) },
        Cost(gradients: images.count)
      )
    }
  }

  public func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    let answer = try logits(of: image, key: key, stream: stream)
    let (logits, cost) = (answer.logits, answer.cost)
    let slope = cotangent(logits).map { Float($0) }
    guard slope.contains(where: { $0 != 0 }) else {
      return LogitGradient(
        logits: logits, gradient: [Float](repeating: 0, count: image.count), cost: cost)
    }
    let gradient = try client.ask(
      .logitPullback(shape.count, classes: classCount), [image, slope])
    return LogitGradient(
      logits: logits, gradient: gradient, cost: Cost(evaluations: 1, gradients: 1))
  }
}
