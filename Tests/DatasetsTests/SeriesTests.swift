import Basics
import Datasets
import Foundation
import TestSupport
import Testing

@Suite struct SeriesTests {
  private static let header = """
    # Two channels.
    @problemName Two
    @timeStamps false
    @equalLength true
    @classLabel true up down
    @data

    """
  private static let training = header + "0,1,2:2,2,2:up\n2,1,0:-3,0,7:down\n"

  private func folder(
    _ test: String = header + "0,1,9:0,0,-9:down\n", training: String = training
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("Two_TRAIN.ts", training)
    try folder.write("Two_TEST.ts", test)
    return folder
  }

  /// The training split's range, −3 to 7, with a tenth of it at each end, is 0 to 1; what lies beyond
  /// is cut.
  @Test func valuesBetweenLimitsOfTheTrainingSplit() throws {
    let folder = try folder()
    let set = try DatasetCatalog.load("series", split: "train", directory: folder.path)
    #expect(set.name == "series-Two" && set.dimensions == 1)
    #expect(set.shape.description == "1×3×2" && set.classNames == ["up", "down"])
    #expect(set.labels == [0, 1])
    #expect(set.limits?.low == -4 && set.limits?.high == 8)
    let expected: [Float] = [4, 5, 6, 6, 6, 6].map { $0 / 12 }
    #expect(zip(set.pixels(at: 0), expected).allSatisfy { abs($0 - $1) < 1e-6 })
    let test = try DatasetCatalog.load("series-Two", split: "test", directory: folder.path)
    #expect(test.limits == set.limits)
    #expect(test.pixels(at: 0)[2] == 1 && test.pixels(at: 0)[5] == 0)
    #expect(test.inputRecord(at: 0).sha256 != set.inputRecord(at: 0).sha256)
    #expect(test.inputRecord(at: 0).label == 1 && test.sha256 != set.sha256)
  }

  @Test func marksAndSlashesAreNothing() throws {
    let folder = try folder(training: "\u{FEFF}" + Self.training)
    let set = try DatasetCatalog.load("series", split: "train", directory: folder.path + "/")
    #expect(set.count == 2)
    try FileManager.default.removeItem(atPath: folder.file("Two_TEST.ts"))
    let message = try #require(throws: ElbowError.self) {
      try DatasetCatalog.load("series", split: "test", directory: folder.path + "/")
    }.description
    #expect(message.contains("\(folder.path)/Two_TEST.ts"), "\(message)")
  }

  private func message(_ folder: TemporaryFolder, _ name: String = "series") throws -> String {
    try #require(throws: ElbowError.self) {
      try DatasetCatalog.load(name, split: "test", directory: folder.path)
    }.description
  }

  @Test(arguments: [
    ("", "has no line '@data'"), ("@classLabel true a b\n@data\n", "has no series"),
    ("@data\n1,2:a\n", "@classLabel"), ("@classLabel true a\n@data\n1:a\n", "2 to 256"),
    ("@classLabel false\n@data\n", "line 1: says that series have no classes"),
    ("@timeStamps true\n@data\n", "times of their own"),
    ("@equalLength false\n@data\n", "differ in length"),
    ("word\n@data\n", "line 1: is neither"),
    (header + "0,1,2:0,1,2:left\n", "line 7: has the class 'left', expected up, down"),
    (header + "0,?,2:0,1,2:up\n", "line 7: '?' is no number"),
    (header + "0,nan,2:0,1,2:up\n", "'nan' is no number"),
    (header + "0,1e99,2:0,1,2:up\n", "'1e99' is beyond the numbers of 32 bits"),
    (header + "0,0x1p3,2:0,1,2:up\n", "'0x1p3' is no number"),
    (header.replacing("@data", with: "@seriesLength 4\n@data") + "0,1,2:0,1,2:up\n", "says 4"),
    (header.replacing("@data", with: "@seriesLength x\n@data"), "line 6: gives no length"),
    (header + "0,1,2:0,1:up\n", "channels of different length"),
    (header + "0,1,2:0,1,2:up\n0,1:0,1:up\n", "line 8: is a series of 1×2×2"),
    (header + "up\n", "has no channel"),
    (header + "0,1:0,1:up\n", "different sets"),
  ])
  func defectsAreNamed(text: String, expected: String) throws {
    #expect(try message(folder(text)).contains(expected))
  }

  @Test func foldersAreNamed() throws {
    let folder = try TemporaryFolder()
    #expect(try message(folder).contains("has no file NAME_TRAIN.ts"))
    try folder.write("One_TRAIN.ts", Self.training)
    #expect(try message(folder).contains("One_TEST.ts: no such file"))
    try folder.write("Two_TRAIN.ts", Self.training)
    #expect(try message(folder).contains("series-One, series-Two"))
    #expect(try message(folder, "series-Three").contains("Three_TRAIN.ts: no such file"))
    // What a file of runs names is a set, not a place.
    for name in ["../Two", "a/Two", "/etc/x"] {
      #expect(try message(folder, "series-\(name)").contains("no set of series is named '\(name)'"))
    }
    try folder.write("One_TRAIN.ts", Self.header + "1,1:1,1:up\n")
    try folder.write("One_TEST.ts", Self.header + "1,1:1,1:up\n")
    #expect(try message(folder, "series-One").contains("all of its values are the same"))
    let nowhere = try #require(throws: ElbowError.self) {
      try DatasetCatalog.load("series", split: "test")
    }
    #expect(nowhere.description.contains("has no usual place"))
  }
}
