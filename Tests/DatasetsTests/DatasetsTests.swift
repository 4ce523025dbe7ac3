import Basics
import Datasets
import Foundation
import Records
import TestSupport
import Testing

/// An IDX file of bytes.
func idx(_ sizes: [Int], _ bytes: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(sizes.count)]
    + sizes.flatMap { size in [24, 16, 8, 0].map { UInt8(size >> $0 & 255) } } + bytes
}

@Suite struct FashionMNISTTests {
  @Test func realTestSet() throws {
    let set = try DatasetCatalog.load("fashion-mnist", split: "test")
    #expect(set.count == 10_000)
    #expect(set.labels[0..<5] == [9, 2, 1, 1, 6])
    // Checked with numpy on the same files.
    #expect(set.pixels(at: 0).reduce(0) { $0 + Int(($1 * 255).rounded()) } == 33_456)
    #expect(set.pixels(at: 0).max() == 1)
    #expect(set.inputRecord(at: 4).label == 6)
    #expect(set.inputRecord(at: 4).sha256.count == 64)
  }

  private func message(_ folder: TemporaryFolder) throws -> String {
    try #require(throws: ElbowError.self) {
      try DatasetCatalog.load("fashion-mnist", split: "test", directory: folder.path)
    }.description
  }

  @Test func everyDefectIsNamedWithItsFileAndRemedy() throws {
    let folder = try TemporaryFolder()
    let (images, labels) = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    let pixels = [UInt8](repeating: 7, count: 2 * 784)
    func check(_ parts: String...) throws {
      let text = try message(folder)
      for part in parts + ["name the folder of its files with `data`"] {
        #expect(text.contains(part), "\(text)")
      }
    }
    try check(images, "no such file")
    try folder.write(images, idx([2, 28, 28], pixels))
    try check(labels, "no such file")
    try folder.write(labels, idx([3], [1, 2, 3]))
    try check(labels, "3 labels for 2 images")
    try folder.write(labels, idx([2], [1, 10]))
    try check(labels, "label 1 is 10", "mislabelled")
    try folder.write(labels, idx([2], [1, 9]))
    #expect(
      try DatasetCatalog.load("fashion-mnist", split: "test", directory: folder.path).labels
        == [1, 9])
    try folder.write(images, idx([2, 28, 28], Array(pixels.dropLast())))
    try check(images, "truncated", "1567 bytes", "expected 1568")
    try folder.write(images, idx([2, 28, 28], pixels + [0]))
    try check(images, "too long")
    try folder.write(images, idx([2, 32, 32], Array(repeating: 0, count: 2048)))
    try check(images, "[32, 32]", "[28, 28]")
    try folder.write(images, Array("not an IDX file at all".utf8))
    try check(images, "does not begin like an IDX file")
    try folder.write(images, [])
    try check(images, "does not begin like an IDX file")
  }

  @Test func gzipDefectsAreNamed() throws {
    let folder = try TemporaryFolder()
    let (images, labels) = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
    let source = try #require(try DatasetCatalog.directory(of: "fashion-mnist"))
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(source)/\(labels)")))
    let pictures = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(source)/\(images)")))
    try folder.write(images, Array(pictures.dropLast(pictures.count / 2)))
    #expect(try message(folder).contains("truncated"))
    var damaged = pictures
    for i in 200..<260 { damaged[i] ^= 0xFF }
    try folder.write(images, damaged)
    let text = try message(folder)
    #expect(text.contains("damaged") || text.contains("truncated"))
    try folder.write(images, Array("plain text".utf8))
    #expect(try message(folder).contains("is not a gzip file"))
    // A sound file of another kind: labels where images should be.
    try folder.write(images, whole)
    #expect(try message(folder).contains("IDX file of 3 dimensions"))
  }

  /// A small file that stands for a large one is read no further than its header says.
  @Test func whatTheHeaderDoesNotAnnounceIsNotRead() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("t10k-images-idx3-ubyte")
    try folder.write("t10k-images-idx3-ubyte", idx([20, 28, 28], []))
    truncate(path, 1 << 28)
    #expect(try message(folder).contains("too long: more than 15680 bytes"))
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gzip.arguments = ["gzip", "-1", path]
    try gzip.run()
    gzip.waitUntilExit()
    #expect(try message(folder).contains("too long: more than 15680 bytes"))
    // What no memory would hold is not asked for either.
    try folder.write("t10k-images-idx3-ubyte", idx([Int(UInt32.max), 28, 28], []))
    #expect(try message(folder).contains("2147483648 at most"))
  }

  @Test func setsWithoutImagesAreNamed() throws {
    let folder = try TemporaryFolder()
    try folder.write("t10k-images-idx3-ubyte", idx([0, 28, 28], []))
    try folder.write("t10k-labels-idx1-ubyte", idx([0], []))
    #expect(try message(folder).contains("its test split has no images"))
  }

  /// Pipes, devices and folders are refused at once.
  @Test func onlyFilesAreRead() throws {
    let folder = try TemporaryFolder()
    mkfifo(folder.file("t10k-images-idx3-ubyte"), 0o600)
    #expect(try message(folder).contains("a pipe or a device"))
  }

  @Test func unknownNamesGetASuggestion() throws {
    let dataset = try #require(throws: ElbowError.self) {
      try DatasetCatalog.load("fashion-mnst", split: "test")
    }
    #expect(dataset.description.contains("did you mean 'fashion-mnist'"))
    let split = try #require(throws: ElbowError.self) {
      try DatasetCatalog.load("fashion-mnist", split: "tst")
    }
    #expect(split.description.contains("did you mean 'test'"))
  }
}

@Suite struct CIFAR10Tests {
  private func message(_ folder: TemporaryFolder, split: String = "test") throws -> String {
    try #require(throws: ElbowError.self) {
      try DatasetCatalog.load("cifar10", split: split, directory: folder.path)
    }.description
  }

  @Test func recordsAndDefects() throws {
    let folder = try TemporaryFolder()
    #expect(try message(folder).contains("test_batch.bin: no such file"))
    let record = (0..<3072).map { UInt8($0 % 251) }
    try folder.write("test_batch.bin", [3] + record + [9] + record)
    let set = try DatasetCatalog.load("cifar10", split: "test", directory: folder.path)
    #expect(set.labels == [3, 9])
    #expect(set.pixels(at: 1) == record.map { Float($0) / 255 })
    #expect(set.shape.description == "32×32×3")
    try folder.write("test_batch.bin", [3] + record.dropLast())
    #expect(try message(folder).contains("truncated"))
    try folder.write("test_batch.bin", [10] + record)
    #expect(try message(folder).contains("record 0 has label 10"))
    try folder.write("test_batch.bin", [])
    #expect(try message(folder).contains("0 bytes"))
    #expect(try message(folder, split: "train").contains("data_batch_1.bin"))
  }
}

@Suite struct ImageSelectionTests {
  @Test func forms() throws {
    #expect(try ImageSelection("3").indices(of: 10) == [0, 1, 2])
    #expect(try ImageSelection("4..7").indices(of: 10) == [4, 5, 6])
    #expect(try ImageSelection("9,0,4").indices(of: 10) == [9, 0, 4])
    #expect(try ImageSelection("10").indices(of: 10).count == 10)
  }

  @Test(arguments: ["0", "-1", "x", "3..3", "5..2", "..4", "1,1", "1,x", "-1..2", ""])
  func malformed(text: String) {
    #expect(throws: ElbowError.self) { try ImageSelection(text) }
  }

  @Test(arguments: ["11", "9..11", "0,10"])
  func beyondTheSplit(text: String) {
    #expect(throws: ElbowError.self) { try ImageSelection(text).indices(of: 10) }
  }
}
