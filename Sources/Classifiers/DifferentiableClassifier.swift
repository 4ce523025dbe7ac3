import TensorCore

/// Names the image whose noise is drawn: an adversarial image keeps its source's name.
public struct ImageKey: Hashable, Sendable {
  /// Name of the dataset, as `fashion-mnist`.
  public var dataset: String
  /// Split, as `test`.
  public var split: String
  /// Index in the split's file order.
  public var index: Int

  /// The key as given.
  public init(dataset: String, split: String, index: Int) {
    self.dataset = dataset
    self.split = split
    self.index = index
  }
}

/// Which seeded stream an evaluation draws its noise from.
///
/// The defence's own stream decides recorded predictions; an attacker draws from another.
public struct NoiseStream: Hashable, Sendable {
  /// Who draws.
  public enum Owner: Hashable, Sendable {
    /// The classifier's own inference.
    case defence
    /// An attacker's estimate at an iteration (counted over restarts) and EOT draw.
    case attack(step: Int, eot: Int)
    /// The classifier, asked again about an attack's final image.
    case redraw(Int)
  }

  /// Seed of the owner.
  public var seed: UInt64
  /// Who draws.
  public var owner: Owner

  /// The stream as given.
  public init(seed: UInt64, owner: Owner) {
    self.seed = seed
    self.owner = owner
  }
}

/// Compute spent, counted where it is made.
public struct Cost: Hashable, Sendable {
  /// Network evaluations asked for, each counted once, with a backward pass or without.
  public var evaluations: Int
  /// Backward passes.
  public var gradients: Int

  /// The cost as given.
  public init(evaluations: Int = 0, gradients: Int = 0) {
    self.evaluations = evaluations
    self.gradients = gradients
  }

  /// Sum of two costs.
  public static func + (a: Cost, b: Cost) -> Cost {
    Cost(evaluations: a.evaluations + b.evaluations, gradients: a.gradients + b.gradients)
  }

  /// So many times a cost.
  public static func * (a: Cost, times: Int) -> Cost {
    Cost(evaluations: a.evaluations * times, gradients: a.gradients * times)
  }
}

/// Logits of one image with the gradient an attack asked for.
public struct LogitGradient: Sendable {
  /// One a class; classes that a strategy eliminated have their best finite estimate.
  public var logits: [Double]
  /// ∂(Σ_k c_k·logit_k)/∂x in pixel units, planar `[C, H, W]`.
  public var gradient: [Float]
  /// What it took.
  public var cost: Cost
  /// As of `LogitAnswer`.
  public var predicted: Int?

  /// The value as given.
  public init(logits: [Double], gradient: [Float], cost: Cost, predicted: Int? = nil) {
    self.logits = logits
    self.gradient = gradient
    self.cost = cost
    self.predicted = predicted
  }
}

/// A classifier that a white-box attack can differentiate.
public protocol DifferentiableClassifier: LogitClassifier {
  /// Logits and the gradient of Σ_k c_k·logit_k, where c is chosen from the logits.
  ///
  /// - Parameters:
  ///   - demand: what may be spared.
  ///   - cotangent: maps the logits to c, `[K]`; classes whose c is 0 cost no backward pass.
  func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient

  /// Logits of several images of one name, with the way back to each.
  ///
  /// - Parameter demand: what may be spared.
  func passes(
    of images: [DrawnImage], key: ImageKey, asking demand: GradientDemand
  ) throws -> LogitPasses
}

extension DifferentiableClassifier {
  /// The same with nothing spared.
  public func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    try gradient(
      of: image, key: key, stream: stream, asking: GradientDemand(), cotangent: cotangent)
  }
}
