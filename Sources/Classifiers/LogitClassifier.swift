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
  func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> (logits: [Double], cost: Cost)
}
