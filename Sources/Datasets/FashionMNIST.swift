import Basics
import Foundation
import TensorCore

/// Fashion-MNIST and every other IDX set of 28×28 grey images in ten classes.
///
/// **Source** IDX format: yann.lecun.com/exdb/mnist; classes: github.com/zalandoresearch/fashion-mnist.
enum FashionMNIST {
  static let classNames = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
  ]

  @Sendable
  static func load(_ place: DatasetPlace) throws -> Dataset {
    let (directory, split, remedy) = (place.directory, place.split, place.remedy)
    let prefix = split == "test" ? "t10k" : "train"
    let shape = ImageShape(channels: 1, height: 28, width: 28)
    let images = try IDX.read(
      "\(prefix)-images-idx3-ubyte", in: directory, sizes: [nil, shape.height, shape.width],
      remedy: remedy)
    let labels = try IDX.read(
      "\(prefix)-labels-idx1-ubyte", in: directory, sizes: [nil], remedy: remedy)
    let count = images.bytes.count / shape.count
    guard labels.bytes.count == count else {
      throw ElbowError(
        .damaged,
        "\(labels.path): holds \(labels.bytes.count.counted("label")) for \(count.counted("image")) in \(images.path); "
          + "the files are of different sets: \(remedy)")
    }
    if let wrong = labels.bytes.firstIndex(where: { Int($0) >= classNames.count }) {
      throw ElbowError(
        .damaged,
        "\(labels.path): label \(wrong) is \(labels.bytes[wrong]), expected 0 to "
          + "\(classNames.count - 1); the file is mislabelled or damaged: \(remedy)")
    }
    let dataset = Dataset(
      name: "fashion-mnist", split: split, shape: shape, classNames: classNames,
      labels: labels.bytes, values: .grey(images.bytes))
    return directory == Self.directory ? dataset : named(dataset)
  }

  /// Where Debian's package lies.
  static let directory = "/usr/share/datasets/fashion-mnist"

  /// SHA-256 of its splits, as `Dataset.sha256`.
  private static let hashes: Set = [
    "d0f2aa768e959483f29bbdf0076f258612a6c57dbf9f86910597fe0c9579474e",
    "afd2ccf8fc489d35b05656dc5481305ee26c9c04588f29c9e5851cb0a1f0df9a",
  ]

  /// A set from a folder of the user's: by its own name where it is Fashion-MNIST, else as
  /// `idx-1a2b3c4d`, by its hash, its classes being numbers.
  private static func named(_ dataset: Dataset) -> Dataset {
    let hash = dataset.sha256
    guard !hashes.contains(hash) else { return dataset }
    return Dataset(
      name: "idx-\(hash.prefix(8))", split: dataset.split, shape: dataset.shape,
      classNames: classNames.indices.map(String.init), labels: dataset.labels,
      values: dataset.values)
  }
}
