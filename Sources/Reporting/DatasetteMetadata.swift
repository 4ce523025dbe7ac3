import Basics
import Foundation
import Queries
import RunStore

/// What Datasette is told of a database: what a row of each view is, and every query of the `Queries`
/// folder that needs no function of Elbow's as a canned one, but for those
/// that a view of the same name shows. Tables that no view's description names are hidden.
///
/// **Source** Datasette's documentation, "Metadata" and "Canned queries".
package struct DatasetteMetadata {
  /// The file's text.
  package let json: String

  /// Of a store.
  ///
  /// - Throws: `ElbowError` where the database cannot be read.
  package init(_ store: RunStore) throws {
    let views = try store.readOnly("SELECT name, one_row_is FROM about").rows
    let tables = try store.readOnly("SELECT name FROM sqlite_schema WHERE type = 'table'").rows
    var described: [String: JSONValue] = [:]
    for row in tables { described[row[0].text(null: "")] = .object(["hidden": .bool(true)]) }
    for row in views {
      described[row[0].text(null: "")] = .object(["description": .string(row[1].text(null: ""))])
    }
    let browsed = Set(views.map { $0[0].text(null: "") })
    let plain = Queries.all.filter {
      !browsed.contains($0.name) && !$0.sql.contains(/elbow_\w+ *\(/)
    }
    let queries = plain.map { query -> (String, JSONValue) in
      var fields = [
        "title": query.name, "description": Self.description(query), "sql": Self.statement(query),
      ].mapValues { JSONValue.string($0) }
      fields["params"] = .array(query.parameters.map { .string($0.name) })
      return (query.name, .object(fields))
    }
    let name = URL(fileURLWithPath: store.path).deletingPathExtension().lastPathComponent
    json =
      JSONValue.object([
        "title": .string("Elbow"),
        "databases": .object([
          name: .object([
            "description": .string("Runs of diffusion classifiers."),
            "tables": .object(described),
            "queries": .object(Dictionary(uniqueKeysWithValues: queries)),
          ])
        ]),
      ]).canonical + "\n"
  }

  private static func description(_ query: Query) -> String {
    let meanings = query.parameters.map { parameter in
      let usual =
        parameter.kind == .run
        ? "; empty: the newest" : parameter.fallback.map { "; empty: \($0)" } ?? ""
      return "\(parameter.name): \(parameter.description)\(usual)."
    }
    return ([query.description] + meanings).joined(separator: " ")
  }

  /// The statement with what stands for a value left empty, and with beginnings of ids and names of runs
  /// taken for their ids, as the program itself takes them.
  private static func statement(_ query: Query) -> String {
    query.parameters.reduce(query.sql) { sql, parameter in
      let given = ":\(parameter.name)"
      let value =
        switch parameter.kind {
        case .run:
          "(SELECT id FROM runs WHERE id GLOB \(given) || '*' OR name = \(given) "
            + "ORDER BY id DESC LIMIT 1)"
        case .text where ["runs", "trainings"].contains(parameter.name):
          "coalesce(nullif(\(given), ''), (SELECT json_group_array(id) FROM \(parameter.name)))"
        case .text:
          parameter.fallback.map { "coalesce(nullif(\(given), ''), '\($0)')" } ?? given
        case .integer, .real:
          "CAST(coalesce(nullif(\(given), ''), \(parameter.fallback ?? "NULL")) AS "
            + "\(parameter.kind.rawValue))"
        }
      guard let name = try? Regex("\(given)\\b") else { return sql }
      return sql.replacing(name, with: value)
    }
  }
}
