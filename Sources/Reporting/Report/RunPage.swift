import Basics
import Foundation
import Queries
import Records
import RunStore

/// All about one run: configuration, provenance, accuracy, cost and confusion.
package struct RunPage {
  /// Row of the query `run`.
  package let header: ResultTable
  let store: RunStore
  let id: String
  let times: TimeDisplay

  /// The page of a run.
  ///
  /// - Parameters:
  ///   - id: full id.
  ///   - times: the reader's place in time.
  /// - Throws: `ElbowError`.
  package init(_ id: String, _ store: RunStore, times: TimeDisplay) throws {
    (self.store, self.id, self.times) = (store, id, times)
    header = try store.query(.run(id))
  }

  /// One JSON object.
  ///
  /// - Throws: `ElbowError`.
  package func json() throws -> String {
    var fields = zip(header.columns, header.rows[0]).map { column, cell in
      // Stored as JSON, shown as JSON.
      let isJSON = ["configuration", "tags", "class_names"].contains(column)
      return (
        column, isJSON ? TableFormat.json(stored: cell.text(null: "null")) : TableFormat.json(cell)
      )
    }
    let parts: [(String, QueryHandle)] = [
      ("sessions", .sessions(of: id)), ("classes", .classes(of: id)),
      ("confusion", .confusion(of: id)), ("timestep_grid", .timesteps(of: id)),
      ("metrics", .metricSeries(of: id)),
    ]
    for (key, query) in parts {
      fields.append((key, TableFormat.json.render(try store.query(query)).trimmed))
    }
    if header[0, "attack"] != .null {
      let summary = try store.query(.attackSummary(of: id))
      fields.append(("attack_summary", TableFormat.json.object(summary.columns, summary.rows[0])))
    }
    let body = fields.map { "  \(TableFormat.json($0.0)): \($0.1)" }
    return "{\n" + body.joined(separator: ",\n") + "\n}\n"
  }

  /// A part of the page, with what stands in it.
  package struct Section: Sendable {
    /// What it is about; empty where its content says so.
    package var title: String
    /// Labels with their values.
    package var lines: [(label: String, value: String)] = []
    /// A table, where its content is one.
    package var table: ResultTable?
  }

  /// The page for reading.
  ///
  /// - Parameter width: cells of its lines at most; nil: no bound.
  /// - Throws: `ElbowError`.
  package func text(width: Int? = nil) throws -> String {
    try sections().map { section in
      if let table = section.table {
        return section.title + "\n" + Self.indented(table, width: width)
      }
      let margin = (section.lines.map(\.label.cellWidth).max() ?? 0) + 4
      let lines = section.lines.flatMap { label, value in
        Self.lines(label, value, margin: margin, width: width)
      }
      return ([section.title] + lines).joined(separator: "\n")
    }.joined(separator: "\n\n") + "\n"
  }

  /// A label with its value beside it; below it where a word would not fit there whole.
  private static func lines(
    _ label: String, _ value: String, margin: Int, width: Int?
  ) -> [String] {
    guard let width else { return [("  " + label).padded(to: margin) + value] }
    let room = max(width - margin, 20)
    let widest = value.split { " ,".contains($0) }.map { String($0).cellWidth + 1 }.max() ?? 0
    guard widest > room, value.cellWidth > room else {
      return value.wrapped(to: room).enumerated().map { i, part in
        (i == 0 ? "  " + label : "").padded(to: margin) + part
      }
    }
    return ["  " + label] + value.wrapped(to: max(width - 4, 20)).map { "    " + $0 }
  }

  /// The parts of the page for reading.
  ///
  /// - Throws: `ElbowError`.
  package func sections() throws -> [Section] {
    func text(_ column: String) -> String? {
      let cell = header[0, column]
      return cell == .null ? nil : cell.text(null: "").visible
    }
    func number(_ column: String, _ digits: Int) -> String {
      header[0, column].number.map { String(format: "%.\(digits)f", $0) } ?? "–"
    }
    func counted(_ column: String, _ noun: String) -> String {
      header.count(0, column).counted(noun)
    }
    var sections: [Section] = []
    func section(_ title: String, _ lines: [(String, String?)]) {
      sections.append(
        Section(
          title: title,
          lines: lines.compactMap { label, value in value.map { (label, $0) } }))
    }

    let accuracy = header[0, .accuracy].map { value in
      "\(RunSummary.percent(value)) %  (Wilson's 95 % interval "
        + "\(RunSummary.percent(header[0, .accuracyLow] ?? 0))–"
        + "\(RunSummary.percent(header[0, .accuracyHigh] ?? 1)), "
        + "\(text("n_correct") ?? "0") of \(text("n_done") ?? "0"))"
    }
    section(
      "Run \(text("id") ?? "")",
      [
        ("name", text("name")), ("group", text("group")),
        ("tags", text("tags").flatMap { $0 == "{}" ? nil : $0 }), ("note", text("note")),
        ("status", text("status")),
        (
          "external",
          text("external").flatMap { kind in
            kind == "engine"
              ? "computed by an engine; the same to the last bit only as far as that is"
              : header[0, "fingerprint"] == .null
                ? nil : "computed by another program, which told its answers"
          }
        ),
        (
          "replay of",
          text("replay_of").map { "\($0): nothing was run, network evaluations are counted" }
        ),
        ("error", text("error")), ("started", text("started_at").map(times.moment)),
        ("finished", text("finished_at").map(times.moment)),
        (
          "inputs",
          text("images") == nil
            ? nil
            : "\(text("images") ?? "") of \(text("dataset") ?? "several datasets") "
              + "\(text("split") ?? "")"
              + (text("inputs_run").map { ", as recorded in run \($0)" } ?? "")
        ),
        ("values", header[0, "fingerprint"] == .null ? nil : try values()),
        ("seed", text("seed")),
      ])
    let isOwn = text("fingerprint") != nil
    if !isOwn {
      section("Made by another program: what is known of it was logged.", [])
    }
    let metrics = try store.query(.metricSeries(of: id))
    if !metrics.rows.isEmpty {
      sections.append(
        Section(
          title: "Metrics", table: metrics.namingNaN(in: ["last", "min", "max", "mean"])))
    }
    if isOwn {
      section(
        "Result",
        [
          ("accuracy", accuracy),
          ("NFE (network evaluations an image)", number("nfe_per_image", 1)),
          ("gradients an image", number("gradients_per_image", 1)),
          ("seconds an image", number("seconds_per_image", 3)),
        ])
    }
    if header[0, "attack"] != .null {
      let attack = try store.query(.attackSummary(of: id))
      func share(_ column: String) -> String? {
        attack[0, column].number.map { RunSummary.percent($0) + " %" }
      }
      section(
        "Attack",
        [
          ("attack", RunSummary.attack(header, 0)),
          (
            "parameters",
            "\(counted("attack_steps", "step")), \(counted("restarts", "restart")), EOT "
              + "\(text("eot") ?? ""), gradient \(text("gradient") ?? ""), seed "
              + "\(text("attack_seed") ?? "")"
          ),
          (
            "attacked",
            "\(attack[0, "attacked"].text(null: "0")) of \(attack[0, "n"].text(null: "0")), broken "
              + attack[0, "broken"].text(null: "0")
          ),
          ("clean accuracy", share("clean_accuracy")), ("zero gradients", share("zero_gradients")),
          ("largest linf", attack[0, .largestLinf].map { String(format: "%.6f", $0) }),
          ("largest l2", attack[0, "largest_l2"].number.map { String(format: "%.6f", $0) }),
          ("gradients an image", number("attack_gradients_per_image", 1)),
          ("seconds an image", number("attack_seconds_per_image", 3)),
        ])
    }
    if isOwn {
      section(
        "Configuration \(text("fingerprint") ?? "")",
        [
          ("classifier", RunSummary.classifier(header, 0)), ("model", text("model")),
          ("SHA-256", text("model_sha256")), ("grid", text("grid")),
          ("weights", text("weights")), ("strategy", text("strategy")),
          ("JSON", text("configuration")),
        ])
    }
    for row in try sessions() { section(row.title, row.lines) }
    if header[0, .nDone] ?? 0 > 0 {
      sections.append(
        Section(
          title: "Confusion (rows: true class, columns: predicted)", table: try confusion()))
    }
    return sections
  }

  /// What 0 and 1 are in the data's own unit; nil where it has none.
  private func values() throws -> String? {
    let invocation = try store.recordedRun(id).invocation
    guard let limits = ValueLimits(recordedRequest: invocation) else { return nil }
    return limits.text(budget: try store.recordedHeader(id).attack)
  }

  /// A table whose columns all stay: below each other where they do not fit side by side.
  private static func indented(_ table: ResultTable, width: Int?) -> String {
    let isWide = width.map { TableFormat.width(table) + 2 > $0 } ?? false
    return TerminalTable(table, stub: isWide ? 1 : 0).output(width: width.map { $0 - 2 }).text
      .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map { $0.isEmpty ? "" : "  " + $0 }.joined(separator: "\n")
  }
}
