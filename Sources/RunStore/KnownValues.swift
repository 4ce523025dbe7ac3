import Basics
import Records

/// Texts that columns of runs hold, where they are few: a condition that names another finds nothing,
/// and was meant otherwise.
enum KnownValues {
  private static let statuses =
    [RunEnding.Status.finished, .failed, .interrupted].map(\.rawValue) + ["running", "crashed"]

  private static let values: [String: [String]] = [
    "status": statuses,
    "classifier": Configuration.Classifier.allCases.map(\.rawValue),
    "norm": AttackConfiguration.Norm.allCases.map(\.rawValue),
  ]

  /// What is wrong with holding a column against a text; nil: nothing.
  static func problem(_ column: String, _ text: String) -> String? {
    guard let known = values[column.lowercased()], !known.contains(text) else { return nil }
    if column.lowercased() == "status", text.lowercased() == "replayed" {
      return "replays are finished; they are the runs of which replay_of IS NOT NULL"
    }
    let near = didYouMean(text, among: known)
    return "no \(column) is '\(text)'"
      + (near.isEmpty ? "; there are \(known.joined(separator: ", "))" : near)
  }
}
