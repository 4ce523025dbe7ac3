import Basics
import Foundation
import Records
import TensorCore

/// Labelled 8-bit images of one split, in file order.
public struct Dataset: Sendable {
  /// Name, as `fashion-mnist`.
  public let name: String
  /// Split, `train` or `test`.
  public let split: String
  /// Size of every image.
  public let shape: ImageShape
  /// Names of the classes, `[K]`.
  public let classNames: [String]
  /// True classes, `[count]`.
  public let labels: [UInt8]
  /// Grey values, planar, `[count, C, H, W]`.
  public let bytes: [UInt8]

  init(
    name: String, split: String, shape: ImageShape, classNames: [String], labels: [UInt8],
    bytes: [UInt8]
  ) {
    precondition(bytes.count == labels.count * shape.count)
    self.name = name
    self.split = split
    self.shape = shape
    self.classNames = classNames
    self.labels = labels
    self.bytes = bytes
  }

  /// Number of images.
  public var count: Int { labels.count }

  /// Grey values of one image, planar `[C, H, W]`.
  public func image(at index: Int) -> ArraySlice<UInt8> {
    bytes[index * shape.count..<(index + 1) * shape.count]
  }

  /// One image, planar `[C, H, W]`, k/255 in [0, 1].
  public func pixels(at index: Int) -> [Float] { image(at: index).map { Float($0) / 255 } }

  /// What a run records of the image as its input.
  public func inputRecord(at index: Int) -> InputRecord {
    InputRecord(
      dataset: name, split: split, index: index, label: Int(labels[index]),
      sha256: SHA256.hexDigest(of: Array(image(at: index))))
  }

  /// SHA-256 of shape, labels and all images.
  public var sha256: String {
    var hash = SHA256()
    hash.update("\(shape)\0\(count)\0")
    hash.update(labels)
    hash.update(bytes)
    return hash.hexDigest()
  }
}
