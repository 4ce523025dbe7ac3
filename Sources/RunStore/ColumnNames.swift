import Basics
import GRDB
import Records

/// The names that conditions, lists of columns and orders may use over a query's answer, which SQL
/// knows as `answer`.
///
/// A bare name is a column of the answer. Where the rows are runs, any other field of the
/// configuration is a column too, `tags.KEY` is a run's tag, `last(NAME)`, `min(NAME)`, `max(NAME)`
/// and `mean(NAME)` are of a run's metric, and `metrics.NAME` is its last value, or, of accuracy and
/// cost, the run's own where it logged none; `params.`, `metrics.` and `attributes.` before a column
/// are allowed. `params.NAME` is a parameter of another tracker's run too, kept as a tag of that name: a
/// number where its text is one.
struct ColumnNames: Sendable {
  /// Of the answer.
  let columns: [String]
  /// Fields of a run's configuration that are no columns of the answer.
  let parameters: [String]
  /// Keys of recorded tags.
  private let tags: [String]
  /// Names of runs' metrics.
  private let metrics: [String]

  /// The names over `columns`.
  ///
  /// - Parameter asked: the names that will be asked for; where all of them are columns nothing else is
  ///   read.
  init(columns: [String], asking asked: [String], _ db: Database) throws {
    self.columns = columns
    guard columns.contains("id"), columns.contains("fingerprint") else {
      (parameters, tags, metrics) = ([], [], [])
      return
    }
    let hidden = Set(columns + ["json", "model", "fingerprint"])
    parameters = try db.columns(in: "configurations").map(\.name).filter { !hidden.contains($0) }
    let known = Set(columns)
    guard !asked.allSatisfy(known.contains) else {
      (tags, metrics) = ([], [])
      return
    }
    tags = try String.fetchAll(db, sql: "SELECT DISTINCT key FROM run_tag ORDER BY key")
    metrics = try String.fetchAll(
      db,
      sql: "SELECT DISTINCT name FROM metric_series WHERE run_id IS NOT NULL ORDER BY name")
  }

  /// A name in SQL.
  ///
  /// - Parameter bind: binds a text and gives its placeholder.
  /// - Throws: `UnknownName`.
  func sql(_ name: String, bind: (String) -> String) throws -> String {
    if name.hasPrefix("tags."), columns.contains("fingerprint") {
      let key = bind(String(name.dropFirst("tags.".count)))
      return "(SELECT value FROM run_tag WHERE run_id = answer.id AND key = \(key))"
    }
    if name.hasSuffix(")"), columns.contains("fingerprint"),
      let match = name.wholeMatch(of: /([A-Za-z]+)\((.+)\)/),
      let sql = MetricFunction(rawValue: match.1.lowercased())?.sql
    {
      let metric = String(match.2)
      guard metrics.contains(metric) else { throw unknown(metric: metric) }
      return sql(bind(metric))
    }
    var bare = name
    for prefix in ["metrics.", "params.", "attributes."] where name.hasPrefix(prefix) {
      bare = String(name.dropFirst(prefix.count))
    }
    func find(_ names: [String]) -> String? {
      names.first { $0.lowercased() == bare.lowercased() }
    }
    if name.hasPrefix("metrics."), metrics.contains(bare) {
      let last = MetricFunction.last.sql(bind(bare))
      guard let column = find(columns), Self.isMeasured(column) else { return last }
      return "coalesce(\(last), answer.\"\(column)\")"
    }
    if let column = find(columns) { return "answer.\"\(column)\"" }
    if let parameter = find(parameters) {
      return "(SELECT \"\(parameter)\" FROM configurations WHERE fingerprint = answer.fingerprint)"
    }
    if name.hasPrefix("metrics.") { throw unknown(metric: bare) }
    if name.hasPrefix("params."), tags.contains(name) { return Self.parameter(bind(name)) }
    throw unknown(column: bare)
  }

  /// The value of a tag, as a number where it is one.
  private static func parameter(_ key: String) -> String {
    """
    (SELECT CASE WHEN json_valid(value) THEN
        CASE WHEN json_type(value) IN ('integer', 'real') THEN json_extract(value, '$') ELSE value END
      ELSE value END FROM run_tag WHERE run_id = answer.id AND key = \(key))
    """
  }

  /// A name in SQL as a value to show: a metric whose last value is not a number is `NaN`, which is
  /// NULL as a number, and so are metrics that a run has not.
  ///
  /// - Parameter bind: binds a text and gives its placeholder.
  /// - Throws: `UnknownName`.
  func shown(_ name: String, bind: (String) -> String) throws -> String {
    let value = try sql(name, bind: bind)
    let bare = name.hasPrefix("metrics.") ? String(name.dropFirst("metrics.".count)) : nil
    let last = name.lowercased().hasPrefix("last(") ? String(name.dropFirst(5).dropLast()) : nil
    guard columns.contains("fingerprint"), let metric = bare ?? last, metrics.contains(metric)
    else { return value }
    return """
      coalesce(\(value), CASE WHEN EXISTS (
        SELECT 1 FROM metric_series WHERE run_id = answer.id AND name = \(bind(metric)) AND points > 0
      ) THEN 'NaN' END)
      """
  }

  /// Whether a column of runs is what a metric of its name would be.
  private static func isMeasured(_ column: String) -> Bool {
    column.hasPrefix("accuracy") || column.hasPrefix("n_") || column.hasSuffix("_per_image")
  }

  private func unknown(metric: String) -> UnknownName {
    let near = didYouMean(metric, among: metrics + columns.filter(Self.isMeasured))
    let known =
      metrics.isEmpty ? "; none is recorded" : "; there are \(metrics.joined(separator: ", "))"
    return UnknownName(
      problem: "no metric '\(metric)'", advice: near.isEmpty ? known : near, isNear: !near.isEmpty)
  }

  /// Most columns that a message lists: more would hide what it says.
  private static let listed = 12

  private func unknown(column name: String) -> UnknownName {
    func found(_ advice: String, isNear: Bool = true) -> UnknownName {
      UnknownName(problem: "no column '\(name)'", advice: advice, isNear: isNear)
    }
    if tags.contains(name) { return found("; the tag is 'tags.\(name)'") }
    if metrics.contains(name) { return found("; the metric's last value is 'metrics.\(name)'") }
    let all = columns + parameters
    let holding = all.filter { $0.split(separator: "_").contains(Substring(name.lowercased())) }
    if holding.count > 1 {
      return found("; it could be " + holding.map { "'\($0)'" }.joined(separator: " or "))
    }
    let near = holding.first ?? suggestion(for: name, among: all + tags.map { "tags.\($0)" })
    if let near { return found("; did you mean '\(near)'?") }
    let more = all.count > Self.listed ? " and \(all.count - Self.listed) more" : ""
    return found(
      "; there are \(all.prefix(Self.listed).joined(separator: ", "))\(more)", isNear: false)
  }
}

/// A name that stands for nothing, with what could have been meant.
struct UnknownName: Error {
  /// As `no column 'x'`.
  let problem: String
  /// What there is instead, with what parts it from the problem.
  let advice: String
  /// Whether that is one like it.
  let isNear: Bool

  var description: String { problem + advice }
}
