/// A parameter of a query.
package struct QueryParameter: Hashable, Sendable {
  /// What a value must be: text, a number, or a run, whose full id is bound.
  package enum Kind: String, Sendable { case text, integer, real, run }

  /// Name, without the colon.
  package let name: String
  /// Type.
  package let kind: Kind
  /// Used where the user gives none; nil: required.
  package let fallback: String?
  /// What it means.
  package let description: String
}

/// One query: a file of this folder, its header read.
package struct Query: Sendable {
  /// How many rows it answers with.
  package enum Cardinality: String, Sendable { case one, many }

  /// File name without extension.
  package let name: String
  /// One line.
  package let description: String
  /// How many rows it answers with.
  package let cardinality: Cardinality
  /// In the header's order.
  package let parameters: [QueryParameter]
  /// The statement, comments included, without its closing semicolon.
  package let sql: String

  /// Reads a file.
  ///
  /// The header is the leading `-- key: value` lines: `name`, `cardinality` (one or many),
  /// `description`, and one `param: NAME KIND [= DEFAULT]: MEANING` for each parameter.
  ///
  /// - Returns: nil where the header is not of this form.
  init?(_ text: String) {
    var fields: [String: String] = [:]
    var parameters: [QueryParameter] = []
    // By bytes, and no further than the header: all queries are read when a command needs one.
    var rest = text.utf8[...]
    while rest.starts(with: "-- ".utf8) {
      let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
      let line = Substring(rest[..<end])
      rest = rest[end...].dropFirst()
      let pair = line.dropFirst(3).split(separator: ":", maxSplits: 1)
      guard pair.count == 2 else { return nil }
      let value = pair[1].drop { $0 == " " }
      if pair[0] == "param" {
        guard let parameter = Self.parameter(value) else { return nil }
        parameters.append(parameter)
      } else {
        fields[String(pair[0])] = String(value)
      }
    }
    guard let name = fields["name"], let description = fields["description"],
      let cardinality = fields["cardinality"].flatMap(Cardinality.init)
    else { return nil }
    self.name = name
    self.description = description
    self.cardinality = cardinality
    self.parameters = parameters
    var statement = text[...]
    while let last = statement.last, last.isWhitespace || last == ";" { statement.removeLast() }
    sql = String(statement)
  }

  /// The statement without the order of its rows, where that stands at its end.
  package var unordered: String {
    var (depth, quote, isComment): (Int, Character?, Bool) = (0, nil, false)
    var end: String.Index?
    for index in sql.indices {
      let sign = sql[index]
      if isComment {
        isComment = sign != "\n"
      } else if let open = quote {
        if sign == open { quote = nil }
      } else {
        switch sign {
        case "-": isComment = sql[index...].hasPrefix("--")
        case "'", "\"": quote = sign
        case "(": depth += 1
        case ")": depth -= 1
        case "O" where depth == 0 && sql[index...].hasPrefix("ORDER BY "): end = index
        case "L" where depth == 0 && sql[index...].hasPrefix("LIMIT "): end = nil
        default: break
        }
      }
    }
    return end.map { String(sql[..<$0]) } ?? sql
  }

  private static func parameter(_ text: Substring) -> QueryParameter? {
    let parts = text.split(separator: ":", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    let words = parts[0].split(separator: " ")
    guard words.count == 2 || (words.count == 4 && words[2] == "="),
      let kind = QueryParameter.Kind(rawValue: String(words[1]))
    else { return nil }
    return QueryParameter(
      name: String(words[0]), kind: kind, fallback: words.count == 4 ? String(words[3]) : nil,
      description: String(parts[1].drop { $0 == " " }))
  }
}

/// Every query of this folder.
package enum Queries {
  /// Sorted by name.
  package static let all: [Query] = [
    PackageResources.accuracy_by_epsilon_sql,
    PackageResources.accuracy_cost_sql,
    PackageResources.answers_sql,
    PackageResources.attack_summary_sql,
    PackageResources.broken_by_sql,
    PackageResources.certificates_sql,
    PackageResources.class_elbos_sql,
    PackageResources.classes_sql,
    PackageResources.code_changes_sql,
    PackageResources.comparison_sql,
    PackageResources.configurations_sql,
    PackageResources.confusion_sql,
    PackageResources.dependants_sql,
    PackageResources.diff_sql,
    PackageResources.evidence_sql,
    PackageResources.evidence_image_sql,
    PackageResources.flips_sql,
    PackageResources.groups_sql,
    PackageResources.hardest_sql,
    PackageResources.health_sql,
    PackageResources.inconsistencies_sql,
    PackageResources.losses_sql,
    PackageResources.metric_curves_sql,
    PackageResources.metric_points_sql,
    PackageResources.metric_series_sql,
    PackageResources.paired_sql,
    PackageResources.paired_robust_each_sql,
    PackageResources.paired_robust_sql,
    PackageResources.pareto_sql,
    PackageResources.pareto_front_sql,
    PackageResources.precedents_sql,
    PackageResources.predictions_sql,
    PackageResources.provenance_sql,
    PackageResources.replays_sql,
    PackageResources.robustness_sql,
    PackageResources.robustness_attacks_sql,
    PackageResources.run_sql,
    PackageResources.runs_sql,
    PackageResources.sessions_sql,
    PackageResources.speeds_sql,
    PackageResources.threat_models_sql,
    PackageResources.timesteps_sql,
    PackageResources.training_curves_sql,
    PackageResources.training_metrics_sql,
    PackageResources.trainings_sql,
    PackageResources.transfer_sql,
    PackageResources.trash_sql,
  ].compactMap { Query(String(decoding: $0, as: UTF8.self)) }

  /// Names that queries had, which scripts may know them by.
  private static let renamed = ["frontier": "pareto-front"]

  /// The query of a name, also of one that it had; nil where there is none.
  package static func named(_ name: String) -> Query? {
    let name = renamed[name] ?? name
    return all.first { $0.name == name }
  }
}
