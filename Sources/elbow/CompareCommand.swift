import ArgumentParser
import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore
import Statistics

/// Compares runs image by image.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare runs on the same images: accuracy, cost, differences, exact tests.",
    discussion: """
      Every run is held against the first; those that conditions choose come after the named ones, \
      newest first. Given are the difference in accuracy in points with its 95 % interval (Bonett \
      and Price's of paired proportions; beside it the percentiles of 10,000 bootstrap resamples of \
      the images), and the two-sided p-value of McNemar's exact test. For two runs also how many \
      images are right in both, in the first only (b), in the second only (c), in neither. Runs over \
      other images are refused; --common compares on the images that all of them classified. A clean \
      and an attacked image of one source count as the same image.

      EXAMPLE:
        elbow compare @last~2 @last~1
        elbow compare --where "strategy LIKE 'uniform%'" --common
      """)

  @Argument(help: "Runs: ids or their beginnings, @last, names, or groups.") var runs: [String] = []
  @OptionGroup(title: "Which runs") var selection: RunSelection
  @Flag(help: "Compare on the images that all runs share.") var common = false
  @Flag(
    help: "List the images that two runs answer differently, with the true class's ELBO margin.")
  var flips = false
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    guard !runs.isEmpty || !selection.isEmpty else {
      throw ValidationError("compare needs at least two runs")
    }
  }

  func run() throws {
    let store = try database.read()
    let ids = try chosen(store)
    let comparison = try Comparison(ids, store)
    if !common { try comparison.refuseUnequalInputs() }
    let flipped = flips ? try store.query(.flips(ids[0], ids[1])) : nil
    switch format.format {
    case .table:
      try format.write(comparison.table, asked: comparison.distinguishing)
      try Output.write("\n" + comparison.description)
      if let flipped { try Output.write("\n" + Self.describe(flipped)) }
    case .json: try Output.write(comparison.json(flips: flipped))
    default: try format.write(flipped ?? comparison.runs)
    }
  }

  /// The named runs, then those that the conditions choose.
  private func chosen(_ store: RunStore) throws -> [String] {
    var ids = try store.runIDs(runs)
    guard ids.count >= 2 || !selection.isEmpty else {
      throw runs.count > 1
        ? ElbowError(.malformed, "a run cannot be compared with itself")
        : ValidationError("compare needs at least two runs")
    }
    if !selection.isEmpty { ids += try selection.runs([], in: store).filter { !ids.contains($0) } }
    guard ids.count >= 2 else {
      throw ElbowError(
        .malformed,
        "the conditions leave \(ids.count.counted("run")) to compare")
    }
    if flips, ids.count != 2 {
      throw ElbowError(.malformed, "--flips needs exactly two runs, not \(ids.count)")
    }
    return ids
  }

  /// Rows of `runs` in the order asked.
  static func rows(_ ids: [String], _ store: RunStore) throws -> ResultTable {
    let table = try store.query(.runs, where: .ids(ids))
    return ResultTable(
      columns: table.columns,
      rows: ids.compactMap { id in table.rows.first { $0.first == .text(id) } })
  }

  private static func describe(_ flips: ResultTable) -> String {
    guard !flips.rows.isEmpty else { return "Both answer every image alike.\n" }
    func mark(_ cell: Cell) -> String { cell == .integer(1) ? "right" : "wrong" }
    func margin(_ cell: Cell) -> Cell {
      cell.number.map { .text(String(format: "%.3f", $0)) } ?? .text("out")
    }
    let table = ResultTable(
      columns: ["image", "label", "first", "", "margin", "second", "", "margin"],
      rows: flips.rows.indices.map { i in
        [
          flips[i, "image_index"], flips[i, "label"], flips[i, "first"],
          .text(mark(flips[i, "first_correct"])), margin(flips[i, "first_margin"]),
          flips[i, "second"], .text(mark(flips[i, "second_correct"])),
          margin(flips[i, "second_margin"]),
        ]
      })
    return "Answered differently (margin: ELBO of the true class less the best other; out: "
      + "eliminated)\n\n" + TableFormat.table.render(table)
  }
}
