import Basics
import Records
import Statistics

/// Runs that repeat one another over one column, usually the seed: mean and spread of accuracy.
public enum RunGroups {
  /// Columns of a run that every grouping needs.
  public static let needed = [
    "id", "accuracy", "nfe_per_image", "gradients_per_image", "seconds_per_image",
  ]

  /// Two runs of a group that do not differ in the column repeated over.
  public struct Repetition: Error {
    /// Ids of the two.
    public let first, second: String
    /// What they are equal in.
    public let value: String
  }

  /// One row a group, in the order of their first runs: the columns, n, mean, standard deviation and
  /// 95 % interval of the accuracy (Student's t over the runs), mean cost.
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
    for i in runs.rows.indices where runs[i, "accuracy"].number != nil {
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
      let accuracy = mean("accuracy")
      return key + [
        .integer(Int64(members.count)), cell(accuracy?.mean), cell(accuracy?.deviation),
        // Accuracies end at 0 and 1, whatever t says of a few of them.
        cell(accuracy?.interval.map { max($0.lowerBound, 0) }),
        cell(accuracy?.interval.map { min($0.upperBound, 1) }),
        cell(mean("nfe_per_image")?.mean), cell(mean("gradients_per_image")?.mean),
        cell(mean("seconds_per_image")?.mean),
      ]
    }
    return ResultTable(
      columns: keys + [
        "n", "accuracy", "accuracy_sd", "accuracy_low", "accuracy_high", "nfe_per_image",
        "gradients_per_image", "seconds_per_image",
      ], rows: rows)
  }

  /// Ids of the runs behind each row of `table`.
  public static func members(_ runs: ResultTable, by keys: [String]) -> [[String]] {
    var order: [[Cell]] = []
    var groups: [[Cell]: [String]] = [:]
    for i in runs.rows.indices where runs[i, "accuracy"].number != nil {
      let key = keys.map { runs[i, $0] }
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(runs[i, "id"].text(null: ""))
    }
    return order.map { groups[$0] ?? [] }
  }

  /// The table for reading: percentages, and the interval in one column.
  public static func summary(_ groups: ResultTable) -> ResultTable {
    let keys = Array(groups.columns.dropLast(7))
    func percent(_ cell: Cell) -> String { cell.number.map { RunSummary.percent($0) } ?? "–" }
    return ResultTable(
      columns: keys + ["mean accuracy % (95 %)", "sd", "NFE", "gradients", "s/image"],
      rows: groups.rows.indices.map { i in
        let interval =
          groups[i, "accuracy_low"] == .null
          ? "" : " (\(percent(groups[i, "accuracy_low"]))–\(percent(groups[i, "accuracy_high"])))"
        return Array(groups.rows[i].dropLast(7)) + [
          .text(percent(groups[i, "accuracy"]) + interval),
          groups[i, "accuracy_sd"].number.map { .text(RunSummary.percent($0)) } ?? .null,
          RunSummary.round(groups[i, "nfe_per_image"], 1),
          RunSummary.round(groups[i, "gradients_per_image"], 1),
          RunSummary.round(groups[i, "seconds_per_image"], 3),
        ]
      })
  }
}
