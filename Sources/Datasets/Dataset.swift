import Basics
import Foundation
import Records
import TensorCore

/// Labelled images of one split, in file order; signals are images of one row.
public struct Dataset: Sendable {
  /// What images are made of.
  public enum Values: Sendable {
    /// Grey values, planar, `[count, C, H, W]`: k stands for k/255.
    case grey([UInt8])
    /// In [0, 1], planar, `[count, C, H, W]`.
    case real([Float])
  }

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
  /// All images.
  public let values: Values
  /// The values in their own unit that 0 and 1 stand for; nil where there is no other unit.
  public let limits: ValueLimits?

  init(
    name: String, split: String, shape: ImageShape, classNames: [String], labels: [UInt8],
    values: Values, limits: ValueLimits? = nil
  ) {
    self.name = name
    self.split = split
    self.shape = shape
    self.classNames = classNames
    self.labels = labels
    self.values = values
    self.limits = limits
    let found =
      switch values {
      case .grey(let bytes): bytes.count
      case .real(let numbers): numbers.count
      }
    precondition(found == labels.count * shape.count)
  }

  /// Number of images.
  public var count: Int { labels.count }

  /// 2, or 1 where the images are signals.
  public var dimensions: Int { shape.height == 1 ? 1 : 2 }

  private func range(of index: Int) -> Range<Int> {
    index * shape.count..<(index + 1) * shape.count
  }

  /// One image, planar `[C, H, W]`, in [0, 1].
  public func pixels(at index: Int) -> [Float] {
    switch values {
    case .grey(let bytes): bytes[range(of: index)].map { Float($0) / 255 }
    case .real(let numbers): Array(numbers[range(of: index)])
    }
  }

  /// What a run records of the image as its input.
  public func inputRecord(at index: Int) -> InputRecord {
    let hash =
      switch values {
      case .grey(let bytes): SHA256.hexDigest(of: Array(bytes[range(of: index)]))
      case .real(let numbers): SHA256.hexDigest(of: Array(numbers[range(of: index)]))
      }
    return InputRecord(
      dataset: name, split: split, index: index, label: Int(labels[index]), sha256: hash)
  }

  /// SHA-256 of shape, labels and all images.
  public var sha256: String {
    var hash = SHA256()
    hash.update("\(shape)\0\(count)\0")
    hash.update(labels)
    switch values {
    case .grey(let bytes): hash.update(bytes)
    case .real(let numbers): hash.update(SHA256.hexDigest(of: numbers))
    }
    return hash.hexDigest()
  }
}
