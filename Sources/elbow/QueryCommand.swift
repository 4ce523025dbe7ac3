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
      A query is stopped after 10 s, and an answer after 100000 rows; --timeout 0 lifts both.

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
  @OptionGroup var bounds: AnswerBounds
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    if !list, name == nil { throw ValidationError("name a query, or use --list") }
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
    let filter = try condition.map { try RowFilter($0) }
    let rows = try bounds.write(from: store, as: format.format, keepsAll: false) { reader in
      try store.stream(
        name ?? "", values, where: filter, limit: bounds.wanted, columns: reader.columns,
        row: reader.row)
    }
    if rows == 0, format.format == .table { Output.error("no rows") }
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
      The views runs, predictions, class_elbos, robustness and losses are meant for this. Rows are \
      written as they come. A statement is stopped after 10 s, and an answer after 100000 rows; \
      --timeout 0 lifts both. 'elbow export' has no such bounds.

      EXAMPLE:
        elbow sql "SELECT strategy, avg(accuracy) FROM runs GROUP BY strategy"
      """)

  @Argument(help: "One SELECT statement.") var statement: String
  @OptionGroup var bounds: AnswerBounds
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let store = try database.read()
    _ = try bounds.write(from: store, as: format.format, keepsAll: true) { reader in
      try store.readOnly(statement, columns: reader.columns, row: reader.row)
    }
  }
}
