import Basics
import Foundation
import TensorCore

/// CIFAR-10, binary version: records of one label byte and 3,072 planar pixel bytes.
///
/// **Source** cs.toronto.edu/~kriz/cifar.html.
enum CIFAR10 {
  static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]
  static let shape = ImageShape(channels: 3, height: 32, width: 32)

  @Sendable
  static func load(_ place: DatasetPlace) throws -> Dataset {
    let (directory, split, remedy) = (place.directory, place.split, place.remedy)
    let names =
      split == "test" ? ["test_batch.bin"] : (1...5).map { "data_batch_\($0).bin" }
    let record = 1 + shape.count
    var labels: [UInt8] = []
    var pixels: [UInt8] = []
    for name in names {
      let path = "\(directory)/\(name)"
      guard FileManager.default.fileExists(atPath: path) else {
        throw ElbowError(.missing, "\(path): no such file; \(remedy)")
      }
      let file = try RegularFile(path)
      guard file.size > 0, file.size % record == 0, file.size <= 1 << 31 else {
        throw ElbowError(
          .damaged,
          "\(path): has \(file.size.counted("byte")), no whole number of \(record)-byte records up to 2 GiB; it "
            + "is truncated or no CIFAR-10 binary batch: \(remedy)")
      }
      let bytes = try file.read(upTo: file.size)
      guard bytes.count == file.size else {
        throw ElbowError(.damaged, "\(path): is shorter than when it was opened; \(remedy)")
      }
      for start in stride(from: 0, to: bytes.count, by: record) {
        guard Int(bytes[start]) < classNames.count else {
          throw ElbowError(
            .damaged,
            "\(path): record \(start / record) has label \(bytes[start]), expected 0 to "
              + "\(classNames.count - 1); it is mislabelled or no CIFAR-10 binary batch: \(remedy)")
        }
        labels.append(bytes[start])
        pixels.append(contentsOf: bytes[(start + 1)..<(start + record)])
      }
    }
    return Dataset(
      name: "cifar10", split: split, shape: shape, classNames: classNames, labels: labels,
      values: .grey(pixels))
  }
}
