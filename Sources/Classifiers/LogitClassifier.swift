import TensorCore

/// A classifier that answers with logits: what an attack by queries needs, and no more.
///
/// Images are planar `[C, H, W]` in pixel units [0, 1].
public protocol LogitClassifier: Sendable {
  /// Size of the images.
  var shape: ImageShape { get }
  /// Number of classes K.
  var classCount: Int { get }
  /// Whether the logits of an image depend on the stream: it draws noise.
  var isRandomized: Bool { get }

  /// Logits of one image.
  func logits(of image: [Float], key: ImageKey, stream: NoiseStream) throws -> LogitAnswer

  /// The logits of several images of one name, each the same as alone.
  func logits(of images: [DrawnImage], key: ImageKey) throws -> [LogitAnswer]
}

/// Logits of one image, and what is answered where that is not the class of the highest.
public struct LogitAnswer: Sendable {
  /// One a class; classes that a strategy eliminated have the estimate they went out with.
  public var logits: [Double]
  /// What it took.
  public var cost: Cost
  /// The class that is answered, where logits alone do not tell: an eliminated class's estimate may be
  /// the highest, and votes may go otherwise than their mean. nil: the class of the highest logit.
  public var predicted: Int?

  /// The answer as given.
  public init(logits: [Double], cost: Cost, predicted: Int? = nil) {
    (self.logits, self.cost, self.predicted) = (logits, cost, predicted)
  }
}
