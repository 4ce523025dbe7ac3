import Basics
import Records
import Statistics

/// Runs that repeat one another over one column, usually the seed: mean and spread of accuracy.
public enum RunGroups {
  /// Columns of a run that every grouping needs.
  public static let needed = [
    "id", "accuracy", "n_correct", "n_done", "nfe_per_image", "gradients_per_image",
    "seconds_per_image",
  ]
  /// Columns of `table` behind the keys.
  private static let measured = [
    "n", "n_images", "accuracy", "accuracy_sd", "accuracy_low", "accuracy_high", "accuracy_method",
    "nfe_per_image", "gradients_per_image", "seconds_per_image",
  ]

  /// Two runs of a group that do not differ in the column repeated over.
  public struct Repetition: Error {
    /// Ids of the two.
    public let first, second: String
    /// What they are equal in.
    public let value: String
  }

  /// The runs without older repeats: of those of a group that are equal in `over` and ask the same
  /// question, the newest, a live one before a replay.
  ///
  /// - Parameters:
  ///   - runs: with the columns `needed`, `question`, `replay_of`, `keys` and `over`.
  ///   - keys, over: as of `table`.
  package static func newest(_ runs: ResultTable, by keys: [String], over: String) -> ResultTable {
    var best: [[Cell]: Int] = [:]
    func rank(_ row: Int) -> (Int, String) {
      (runs[row, "replay_of"] == .null ? 1 : 0, runs[row, "id"].text(null: ""))
    }
    // What was asked elsewhere, or has no answers, repeats nothing.
    func isRepeat(_ row: Int) -> Bool { runs[row, "question"] != .null && isMeasured(runs, row) }
    func repeated(_ row: Int) -> [Cell] { (keys + [over, "question"]).map { runs[row, $0] } }
    for row in runs.rows.indices where isRepeat(row) {
      let key = repeated(row)
      if let other = best[key], rank(other) > rank(row) { continue }
      best[key] = row
    }
    let kept = runs.rows.indices.filter { !isRepeat($0) || best[repeated($0)] == $0 }
    return ResultTable(columns: runs.columns, rows: kept.map { runs.rows[$0] })
  }

  /// What to tell of repeats that were left out; nil where there were none.
  ///
  /// - Parameter isByAge: whether for their age alone.
  package static func note(older count: Int, isByAge: Bool = true) -> String? {
    count == 0
      ? nil
      : "\(count.counted(isByAge ? "older repeat" : "other repeat")) of the same questions \(count == 1 ? "is" : "are") left out"
  }

  /// One row a group, in the order of their first runs: the columns, number of runs (`n`) and of
  /// images in each (`n_images`, the smallest where they differ), mean, standard deviation and 95 %
  /// interval of the accuracy with its method (`RepeatedAccuracy`), mean cost.
  ///
  /// - Parameters:
  ///   - runs: with the columns `needed`, `keys` and `over`.
  ///   - keys: columns whose equal values make a group.
  ///   - over: column in which the runs of a group differ.
  /// - Throws: `Repetition` where two of them do not: they would count twice.
  public static func table(
    _ runs: ResultTable, by keys: [String], over: String
  ) throws -> ResultTable {
    var groups: [[Cell]: [Int]] = [:]
    var order: [[Cell]] = []
    for i in runs.rows.indices where isMeasured(runs, i) {
      let key = keys.map { runs[i, $0] }
      if groups[key] == nil { order.append(key) }
      if let twin = groups[key]?.first(where: { runs[$0, over] == runs[i, over] }) {
        throw Repetition(
          first: runs[twin, "id"].text(null: ""), second: runs[i, "id"].text(null: ""),
          value: runs[i, over].text(null: "null"))
      }
      groups[key, default: []].append(i)
    }
    let rows = order.map { key in
      let members = groups[key] ?? []
      func mean(_ column: String) -> SampleMean? {
        let values = members.compactMap { runs[$0, column].number }
        return values.isEmpty ? nil : SampleMean(values)
      }
      func cell(_ value: Double?) -> Cell { value.map { .real($0) } ?? .null }
      let accuracy = RepeatedAccuracy(
        members.map { (runs.count($0, "n_correct"), runs.count($0, "n_done")) })
      return key + [
        .integer(Int64(members.count)), .integer(Int64(accuracy.images)), .real(accuracy.mean),
        cell(accuracy.deviation), .real(accuracy.interval.lowerBound),
        .real(accuracy.interval.upperBound), .text(accuracy.method.rawValue),
        cell(mean("nfe_per_image")?.mean), cell(mean("gradients_per_image")?.mean),
        cell(mean("seconds_per_image")?.mean),
      ]
    }
    return ResultTable(columns: keys + measured, rows: rows)
  }

  /// Ids of the runs behind each row of `table`.
  public static func members(_ runs: ResultTable, by keys: [String]) -> [[String]] {
    var order: [[Cell]] = []
    var groups: [[Cell]: [String]] = [:]
    for i in runs.rows.indices where isMeasured(runs, i) {
      let key = keys.map { runs[i, $0] }
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(runs[i, "id"].text(null: ""))
    }
    return order.map { groups[$0] ?? [] }
  }

  /// Whether a run has images that were answered.
  private static func isMeasured(_ runs: ResultTable, _ row: Int) -> Bool {
    runs[row, .accuracy] != nil && runs.count(row, "n_done") > 0
  }

  /// The table for reading: runs × images, percentages, and the interval in one column.
  public static func summary(_ groups: ResultTable) -> ResultTable {
    let keys = Array(groups.columns.dropLast(measured.count))
    return ResultTable(
      columns: keys + [
        "runs × images", "mean accuracy % (95 %)", "sd", "NFE", "gradients", "s/image",
      ],
      rows: groups.rows.indices.map { i in
        func percent(_ column: String) -> String {
          RunSummary.percent(groups[i, column].number ?? 0)
        }
        return Array(groups.rows[i].prefix(keys.count)) + [
          .text("\(groups.count(i, "n")) × \(groups.count(i, "n_images"))"),
          .text(
            "\(percent("accuracy")) (\(percent("accuracy_low"))–\(percent("accuracy_high")))"),
          groups[i, .accuracySD].map { .text(RunSummary.percent($0)) } ?? .null,
          RunSummary.round(groups[i, "nfe_per_image"], 1),
          RunSummary.round(groups[i, "gradients_per_image"], 1),
          RunSummary.round(groups[i, "seconds_per_image"], 3),
        ]
      })
  }

  /// What to say below `summary`.
  public static let note =
    "runs × images: how many runs, on how many images each; mean: 95 % interval on other images and "
    + "with other runs, "
    + "\(IntervalMethod.wilsonAndStudentT.rawValue)"
}
