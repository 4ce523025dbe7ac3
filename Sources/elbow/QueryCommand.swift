import ArgumentParser
import Basics
import Queries
import Records
import Reporting
import RunStore
import Statistics

/// Runs a query of the catalogue.
struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Run a query of the catalogue, or list them.",
    usage: """
      elbow query --list
      elbow query <name> [<param=value> ...] [--where <where>] [--limit <limit>]
      """,
    discussion: """
      EXAMPLE:
        elbow query --list
        elbow query confusion run=@last
      """)

  @Argument(help: "Name of the query.") var name: String?
  @Argument(help: ArgumentHelp("Its parameters.", valueName: "param=value"))
  var parameters: [String] = []
  @Flag(help: "List the queries with their parameters.") var list = false
  @Option(name: .customLong("where"), help: "Condition over the answer's columns.")
  var condition: String?
  @Option(help: "At most so many rows.") var limit: Int?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    if !list, name == nil { throw ValidationError("name a query, or use --list") }
    if let limit, limit < 0 { throw ValidationError("--limit must not be negative, got \(limit)") }
  }

  func run() throws {
    if list { return try format.write(Self.catalogue) }
    let store = try database.read()
    var values: [String: String] = [:]
    for text in parameters {
      let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else {
        throw ElbowError(.malformed, "parameters are NAME=VALUE, got '\(text)'")
      }
      values[String(pair[0])] = String(pair[1])
    }
    for parameter in Queries.named(name ?? "")?.parameters ?? [] where parameter.kind == .run {
      values[parameter.name] = try values[parameter.name].map { try store.runID($0) }
    }
    let table = try store.query(
      name ?? "", values, where: condition.map(RowFilter.init), limit: limit)
    try format.write(table)
    if table.rows.isEmpty, format.format == .table { Output.error("no rows") }
  }

  private static var catalogue: ResultTable {
    ResultTable(
      columns: ["query", "rows", "parameters", "description"],
      rows: Queries.all.map { query in
        let parameters = query.parameters.map { parameter in
          parameter.fallback.map { "\(parameter.name)=\($0)" } ?? parameter.name
        }
        return [
          .text(query.name), .text(query.cardinality.rawValue),
          .text(parameters.joined(separator: " ")), .text(query.description),
        ]
      })
  }
}

/// Runs a statement of the user's own.
struct SQLCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sql", abstract: "Run an SQL statement that reads the database.",
    discussion: """
      The views runs, predictions, class_elbos, robustness and losses are meant for this.

      EXAMPLE:
        elbow sql "SELECT strategy, avg(accuracy) FROM runs GROUP BY strategy"
      """)

  @Argument(help: "One SELECT statement.") var statement: String
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    try format.write(try database.read().readOnly(statement), keepsAll: true)
  }
}
