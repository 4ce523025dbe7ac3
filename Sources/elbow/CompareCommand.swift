import Analysis
import ArgumentParser
import Foundation
import Records
import RunStore

/// Compares runs, and pairs of them image by image.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare runs: accuracy, cost, and for two of them McNemar's exact test.",
    discussion: """
      Two runs over the same images are compared image by image: how many are right in both, in
      the first only (b), in the second only (c), in neither, the difference in accuracy (delta,
      second minus first) and the two-sided exact p-value.
      """)

  @Argument(help: "Ids of the runs, or their beginnings.") var runs: [String]
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    guard runs.count >= 2 else { throw ValidationError("compare needs at least two runs") }
  }

  func run() throws {
    let store = try database.read()
    let ids = try runs.map(store.runID)
    guard Set(ids).count == ids.count else {
      throw RunStoreError("a run cannot be compared with itself", isUsage: true)
    }
    let table = try Self.rows(ids, store)
    let pair = ids.count == 2 ? try Self.pair(ids[0], ids[1], store) : nil
    switch format.format {
    case .table:
      try format.write(RunSummary.table(table, fitting: Output.width))
      if let pair { try Output.write("\n" + Self.describe(pair)) }
    case .json:
      let objects = table.rows.map { TableFormat.json.object(table.columns, $0) }
      var fields = ["\"runs\": [\n    \(objects.joined(separator: ",\n    "))\n  ]"]
      if let pair {
        // The pair's own keys, without the braces.
        let object = TableFormat.json.object(Self.pairColumns, Self.row(pair))
        fields.append(String(object.dropFirst().dropLast()))
      }
      try Output.write("{\n  \(fields.joined(separator: ",\n  "))\n}\n")
    default: try format.write(table)
    }
  }

  /// Rows of `runs` in the order asked.
  static func rows(_ ids: [String], _ store: RunStore) throws -> ResultTable {
    let list = ids.map { "'\($0)'" }.joined(separator: ", ")
    let table = try store.query("runs", where: RowFilter("id IN (\(list))"))
    let byID = Dictionary(
      table.rows.indices.map { (table[$0, "id"].string ?? "", table.rows[$0]) },
      uniquingKeysWith: { a, _ in a })
    return ResultTable(columns: table.columns, rows: ids.compactMap { byID[$0] })
  }

  /// nil where the runs share no image.
  private static func pair(_ a: String, _ b: String, _ store: RunStore) throws -> PairedCounts? {
    let table = try store.query("paired", ["a": a, "b": b])
    func count(_ column: String) -> Int { Int(table[0, column].number ?? 0) }
    let counts = PairedCounts(
      both: count("both"), b: count("b"), c: count("c"), neither: count("neither"))
    return counts.n == 0 ? nil : counts
  }

  private static let pairColumns = ["n", "both", "b", "c", "neither", "delta", "p_value"]

  private static func row(_ p: PairedCounts) -> [Cell] {
    [p.n, p.both, p.b, p.c, p.neither].map { .integer(Int64($0)) } + [
      .real(p.delta), .real(p.pValue),
    ]
  }

  private static func describe(_ p: PairedCounts) -> String {
    let table = ResultTable(
      columns: ["", "second right", "second wrong"],
      rows: [
        [.text("first right"), .integer(Int64(p.both)), .integer(Int64(p.b))],
        [.text("first wrong"), .integer(Int64(p.c)), .integer(Int64(p.neither))],
      ])
    return "On the \(p.n) images that both runs classified:\n\n" + TableFormat.table.render(table)
      + String(
        format: "\nsecond − first: %+.1f points; McNemar's exact test: p = %.3g\n", 100 * p.delta,
        p.pValue)
  }
}
