import Basics
import Foundation
import Records

/// The datasets that Elbow can read.
public enum DatasetCatalog {
  private struct Source: Sendable {
    var name: String
    /// Where the files are where nobody says.
    var directories: [String] = []
    /// What to do where they are not there, before the remedy.
    var package = ""
    /// What to do where the files of a folder are not right.
    var remedy: String
    /// What the names of sets of this format begin with, where each has a name of its own.
    var family: String?
    var read: @Sendable (DatasetPlace) throws -> Dataset
  }

  /// Name of the dataset of signals.
  package static let series = "series"

  private static let sources = [
    Source(
      name: "fashion-mnist", directories: [FashionMNIST.directory],
      package: "install it with 'apt-get install dataset-fashion-mnist', or ",
      remedy: "name the folder of its files with `data`", family: "idx-", read: FashionMNIST.load),
    Source(
      name: "cifar10", directories: ["cifar-10-batches-bin"],
      remedy: "name the folder of the binary version (cifar-10-batches-bin) with `data`",
      read: CIFAR10.load),
    Source(
      name: series,
      remedy: "name the folder of a set's NAME_TRAIN.ts and NAME_TEST.ts with `data`",
      family: Series.family, read: Series.load),
  ]

  /// Splits of every dataset.
  public static let splits = ["test", "train"]

  /// Names of all datasets.
  public static var names: [String] { sources.map(\.name) }

  /// Reads one split.
  ///
  /// - Parameters:
  ///   - name: as in `names`, or as a run recorded it.
  ///   - split: `test` or `train`.
  ///   - directory: folder of the files; nil for the usual places.
  /// - Throws: `ElbowError`, with the file, what was expected and the remedy.
  public static func load(
    _ name: String, split: String, directory: String? = nil
  ) throws -> Dataset {
    let source = try source(name)
    guard splits.contains(split) else {
      throw ElbowError(
        .unknownName,
        "no split '\(split)'; there are \(splits.joined(separator: " and "))"
          + didYouMean(split, among: splits))
    }
    guard let found = directory ?? self.directory(of: source) else {
      throw ElbowError(
        .missing,
        source.directories.isEmpty
          ? "\(name) has no usual place; \(source.remedy)"
          : "\(name) is not in \(source.directories.joined(separator: ", ")); \(source.package)"
            + source.remedy)
    }
    let dataset = try source.read(
      DatasetPlace(
        directory: URL(filePath: found).plainPath, split: split,
        member: source.family.flatMap {
          name.hasPrefix($0) ? String(name.dropFirst($0.count)) : nil
        },
        remedy: source.remedy))
    guard dataset.count > 0 else {
      throw ElbowError(.damaged, "\(found): its \(split) split has no images; \(source.remedy)")
    }
    return dataset
  }

  /// Where a dataset's files are on this machine, nil where they are not in the usual places.
  ///
  /// - Throws: `ElbowError` for an unknown name.
  public static func directory(of name: String) throws -> String? {
    directory(of: try source(name))
  }

  private static func directory(of source: Source) -> String? {
    source.directories.first { FileManager.default.fileExists(atPath: $0) }
  }

  private static func source(_ name: String) throws -> Source {
    guard
      let source = sources.first(where: {
        $0.name == name || $0.family.map(name.hasPrefix) == true
      })
    else {
      throw ElbowError(
        .unknownName,
        "no dataset '\(name)'; there are \(names.joined(separator: ", "))"
          + didYouMean(name, among: names))
    }
    return source
  }
}
