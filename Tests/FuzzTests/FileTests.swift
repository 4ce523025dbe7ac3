import Basics
import Datasets
import Experiments
import Foundation
import Networks
import Records
import TestSupport
import Testing
import Training

/// Files that are read.
@Suite(.serialized) struct FileTests {
  /// A file of a name that is the same for every input.
  private struct Place {
    private let folder = try? TemporaryFolder()
    let path: String

    init(_ name: String) throws {
      guard let folder else { throw ElbowError(.inaccessible, "no temporary folder") }
      path = folder.file(name)
    }

    var directory: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

    func write(_ bytes: [UInt8]) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
  }

  @Test func checkpoints() throws {
    let place = try Place("model.safetensors")
    let networks: [any NetworkArchitecture] = [
      UNetArchitecture(
        resolution: 4, channels: 1, classes: 2, width: 4, multipliers: [1, 2], blocks: 1,
        attentionResolutions: [2]),
      ResNetArchitecture(
        resolution: 4, channels: 1, classes: 2, width: 4, multipliers: [2], blocks: 1),
    ]
    let seeds = try networks.map { network in
      try ParameterVector.random(network, seed: 1).write(to: place.path)
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: place.path)))
    }
    try Fuzzer(
      "safetensors", seeds,
      words: [
        "\"shape\":[", "\"data_offsets\":[", "\"dtype\":\"F32\"", "width\\\":", "blocks\\\":",
      ]
    ).run { bytes in
      // Mostly a header whose length is right: what is behind it would be read never else.
      var bytes = bytes
      if bytes.count % 4 != 0, let end = Self.endOfHeader(bytes) {
        withUnsafeBytes(of: UInt64(end - 8).littleEndian) {
          bytes.replaceSubrange(0..<8, with: $0)
        }
      }
      try place.write(bytes)
      try Checkpoint(path: place.path).check()
    }
  }

  /// Behind the brace that closes the header's first one.
  private static func endOfHeader(_ bytes: [UInt8]) -> Int? {
    guard bytes.count > 8 else { return nil }
    var (depth, isQuoted, isEscaped) = (0, false, false)
    for (i, byte) in bytes.enumerated().dropFirst(8) {
      if isEscaped {
        isEscaped = false
      } else if isQuoted {
        if byte == UInt8(ascii: "\\") { isEscaped = true }
        if byte == UInt8(ascii: "\"") { isQuoted = false }
      } else {
        switch byte {
        case UInt8(ascii: "\""): isQuoted = true
        case UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "}"):
          depth -= 1
          if depth == 0 { return i + 1 }
        default: break
        }
      }
    }
    return nil
  }

  private static func idx(_ sizes: [Int], _ bytes: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(sizes.count)]
      + sizes.flatMap { size in [24, 16, 8, 0].map { UInt8(size >> $0 & 255) } } + bytes
  }

  /// Plain and compressed: the same names in two folders.
  @Test func imageFiles() throws {
    let images = Self.idx([2, 28, 28], (0..<1568).map { UInt8($0 % 251) })
    for (kind, ending) in [("idx", ""), ("gzip", ".gz")] {
      let place = try Place("t10k-images-idx3-ubyte" + ending)
      let folder = place.directory
      try Data(Self.idx([2], [1, 2])).write(
        to: URL(fileURLWithPath: folder + "/t10k-labels-idx1-ubyte"))
      var seed = images
      if kind == "gzip" {
        let plain = folder + "/plain"
        try Data(images).write(to: URL(fileURLWithPath: plain))
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", plain]
        try gzip.run()
        gzip.waitUntilExit()
        seed = [UInt8](try Data(contentsOf: URL(fileURLWithPath: plain + ".gz")))
      }
      try Fuzzer(kind, [seed]).run { bytes in
        try place.write(bytes)
        let set = try DatasetCatalog.load("fashion-mnist", split: "test", directory: folder)
        #expect(set.count == 2)
      }
    }
  }

  @Test func cifar() throws {
    let place = try Place("test_batch.bin")
    try Fuzzer("cifar", [[3] + [UInt8](repeating: 7, count: 3072)]).run { bytes in
      // As mutated, and cut to whole records.
      for bytes in [bytes, Array(bytes.prefix(bytes.count / 3073 * 3073))] {
        try place.write(bytes)
        do {
          let set = try DatasetCatalog.load(
            "cifar10", split: "test", directory: place.directory)
          #expect(set.labels.allSatisfy { $0 < 10 })
        } catch is ElbowError {}
      }
    }
  }

  @Test func series() throws {
    let place = try Place("Set_TRAIN.ts")
    let header = "# A set.\n@equalLength true\n@classLabel true a b\n@data\n"
    try Fuzzer(
      "series", texts: [header + "0,1,2:a\n2,1,0:b\n", header + "0,1:2,2:a\n1,-3e5:0,7:b\n"],
      words: [
        "@data\n", "@classLabel true ", "@timeStamps true\n", ":a\n", ":", ",", "1e30,", "nan,",
        "#",
      ]
    ).run { bytes in
      try place.write(bytes)
      let set = try DatasetCatalog.load("series", split: "train", directory: place.directory)
      #expect(set.count > 0 && set.shape.height == 1)
      for i in 0..<set.count { #expect(set.pixels(at: i).allSatisfy { (0...1).contains($0) }) }
    }
  }

  @Test func yaml() throws {
    let place = try Place("file.yaml")
    try Fuzzer(
      "yaml",
      texts: [
        "images: 20\nstrategy: uniform:5\ngrid: linear:0.05:3:25\nseed: 3\ntag: [a=b, c=d]\n",
        """
        seed: 0...4
        strategy: [uniform:1...3, full]
        attack: null
        cases:
          - {attack: pgd-margin, epsilon: 8/255}
          - {epsilon: 1/255, attack: fgsm}
        exclude:
          - {seed: 1}
          - strategy = 'full' AND seed > 2
        """,
        "width: 16\nmultipliers: [1, 2]\nblocks: 1\nepochs: 0.5\nmethod: pgd\nepsilon: 8/255\n",
        "a: &x [1, 2]\nb: [*x, *x]\n? [a]\n: b\n",
      ],
      words: [
        "seed: ", "strategy: ", "cases:\n", "exclude:\n", "  - ", "images: ", "[", "{", "&a ",
        "*a, ",
        "uniform:1...8", "width: ", "blocks: ", "!!binary ", "---\n", "...\n", "? ",
      ]
    ).run { bytes in
      try place.write(bytes)
      func attempt(_ body: () throws -> Void) throws {
        do { try body() } catch is ElbowError {}
      }
      try attempt { _ = try RequestFile(place.path) }
      try attempt { _ = try SweepFile(place.path, overrides: []).cells() }
      try attempt { try Self.check(DiffusionRecipe(file: place.path)) }
      try attempt { try Self.check(ClassifierRecipe(file: place.path)) }
      try attempt { try Self.check(MultiHeadRecipe(file: place.path)) }
    }
  }

  private static let dataset = try? DatasetCatalog.load("fashion-mnist", split: "test")

  private static func check(_ recipe: some TrainingRecipe) throws {
    guard let dataset, recipe.problem(images: 10_000) == nil else { return }
    #expect(recipe.steps(images: 9000) >= 1)
    _ = recipe.architecture(for: dataset).problem
  }
}
