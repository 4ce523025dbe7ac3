import Basics
import Foundation
import Records
import TensorCore

/// Sets of series of equal length, as signals: `NAME_TRAIN.ts` and `NAME_TEST.ts` of one folder, the
/// format in which the UCR and UEA archives are given out.
///
/// Series have units of their own, while images, attacks and budgets are about values from 0 to 1.
/// The smallest and the largest value of the training split, each moved outwards by a tenth of the
/// distance between them, become 0 and 1; what lies beyond in the test split is brought there.
///
/// **Source** timeseriesclassification.com; the format as aeon documents it.
enum Series {
  /// What the names of these sets begin with.
  static let family = "series-"
  /// How far beyond the training split 0 and 1 lie, in parts of its range.
  private static let margin = 0.1

  @Sendable
  static func load(_ place: DatasetPlace) throws -> Dataset {
    let name = try place.member ?? member(of: place)
    // A file of runs names sets, not places.
    guard !name.contains("/") else {
      throw ElbowError(.unknownName, "no set of series is named '\(name)'; \(place.remedy)")
    }
    func read(_ suffix: String) throws -> SeriesFile {
      try SeriesFile(
        path: "\(place.directory)/\(name)_\(suffix).ts",
        remedy: place.remedy)
    }
    let training = try read("TRAIN")
    let file = place.split == "train" ? training : try read("TEST")
    guard file.shape == training.shape, file.classNames == training.classNames else {
      throw ElbowError(
        .damaged,
        "\(file.path): has series of \(file.shape) in the classes "
          + "\(file.classNames.joined(separator: ", ")), \(training.path) of \(training.shape) in "
          + "\(training.classNames.joined(separator: ", ")); the files are of different sets: "
          + place.remedy)
    }
    let limits = try limits(of: training, place.remedy)
    return Dataset(
      name: family + name, split: place.split, shape: file.shape, classNames: file.classNames,
      labels: file.labels,
      values: .real(
        file.values.map { Float(min(max((Double($0) - limits.low) / limits.span, 0), 1)) }),
      limits: limits)
  }

  private static func limits(of training: SeriesFile, _ remedy: String) throws -> ValueLimits {
    let (low, high) = (training.values.min() ?? 0, training.values.max() ?? 0)
    guard low < high else {
      throw ElbowError(
        .damaged, "\(training.path): all of its values are the same; \(remedy)")
    }
    let reach = margin * (Double(high) - Double(low))
    return ValueLimits(low: Double(low) - reach, high: Double(high) + reach)
  }

  /// The only set in a folder.
  private static func member(of place: DatasetPlace) throws -> String {
    let ending = "_TRAIN.ts"
    let files = (try? FileManager.default.contentsOfDirectory(atPath: place.directory)) ?? []
    let names = files.filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) }
    guard let name = names.first else {
      throw ElbowError(
        .missing, "\(place.directory): has no file NAME\(ending); \(place.remedy)")
    }
    guard names.count == 1 else {
      let choices = names.sorted().map { family + $0 }.joined(separator: ", ")
      throw ElbowError(
        .ambiguous,
        "\(place.directory): holds several sets; name one of them as `dataset`: \(choices)")
    }
    return name
  }
}
