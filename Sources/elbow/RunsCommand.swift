import Analysis
import ArgumentParser
import Records
import RunStore

/// Lists recorded runs, newest first.
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List recorded runs, newest first.",
    discussion: """
      --where takes conditions over the columns of the view 'runs', as
      "accuracy > 0.8 AND strategy LIKE 'uniform%' AND tags.stage = 'final'".
      """)

  @Option(name: .customLong("where"), help: "Condition over the columns.") var condition: String?
  @Option(help: "At most so many.") var limit: Int?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    if let limit, limit < 0 { throw ValidationError("--limit must not be negative, got \(limit)") }
  }

  func run() throws {
    let runs = try database.read().query("runs", where: condition.map(RowFilter.init), limit: limit)
    guard format.format == .table else { return try format.write(runs) }
    if runs.rows.isEmpty {
      Output.error("no runs\(condition == nil ? "" : " that meet the condition")")
    } else {
      try format.write(RunSummary.table(runs, fitting: Output.width))
    }
  }
}
