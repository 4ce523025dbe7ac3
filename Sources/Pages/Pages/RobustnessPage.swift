import Basics
import Experiments
import Records
import Reporting
import RunStore

/// Configurations against threat models, as `elbow robustness` has it.
enum RobustnessPage {
  static let parameters: [Route.Parameter] = [
    .condition("the query robustness"),
    .init(
      name: "page", meaning: "Which part of a long table, from 1.", kind: .integer(1...1_000_000)),
  ]

  /// Configurations on a page.
  private static let shown = 50

  /// What is recorded; nil where a browser is to come again for it.
  ///
  /// - Throws: `ElbowError` for unknown columns.
  static func robustness(_ call: Call) throws -> Robustness? {
    let filter = try call["where"].map(RowFilter.init)
    return try call.dear(question(call)) { try Robustness(in: $0, where: filter) }
  }

  /// What an address asks, as a key.
  static func question(_ call: Call) -> String { "robustness \(call["where"] ?? "")" }

  @Sendable static func page(_ call: Call) throws -> Page {
    var problem: ElbowError?
    var (shown, isUnderway) = (HTML.underway, true)
    do {
      if let robustness = try robustness(call) {
        (shown, isUnderway) = (try answer(robustness, call), false)
      }
    } catch let error as ElbowError {
      guard error.status < 500 else { throw error }
      (problem, shown, isUnderway) = (error, "", false)
    }
    let wrong: HTML =
      problem == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"problem\""
    return Page(
      title: "Robustness",
      body: """
        <h1>Robustness</h1>
        <form class="ask" action="/robustness" method="get">
        <div class="field long"><label for="where">Condition</label>
        <input id="where" name="where" value="\(call["where"] ?? "")" autocomplete="off" \
        spellcheck="false" placeholder="norm = 'linf'" data-complete="names"\(wrong)>\
        \(problem.map { HTML.problem($0) })</div>
        <button>Show</button>
        <datalist id="names">\(try names(call))</datalist>
        </form>
        <div id="answer" aria-live="polite">\(shown)</div>
        """,
      command: problem == nil ? call.command(["robustness"], [("--where", call["where"])]) : nil,
      isUnderway: isUnderway,
      data: problem == nil
        ? Address.of(["api", "v1", "robustness"], call.query.with(["page": nil])) : nil,
      section: "/robustness", status: problem == nil ? 200 : 400)
  }

  private static func names(_ call: Call) throws -> HTML {
    HTML(try call.store.columns(ofQuery: "robustness").map { "<option>\($0)</option>" })
  }

  private static func answer(_ robustness: Robustness, _ call: Call) throws -> HTML {
    let place = try call.number("page", in: 1...1_000_000, usual: 1)
    guard !robustness.rows.isEmpty else {
      return """
        <p class="none">No finished attacked runs. \
        <code>elbow run --attack standard --epsilon 8/255</code> makes some.</p>
        """
    }
    let heads = robustness.threats.map { threat -> HTML in
      "<th scope=\"col\">\(threat.name)</th>"
    }
    let part = robustness.rows.dropFirst(shown * (place - 1)).prefix(shown)
    guard !part.isEmpty else { return "<p class=\"none\">There is no page \(place).</p>" }
    let rows = part.map { row -> HTML in
      let clean = row.cells.values.max { $0.n < $1.n }?.clean
      let cells = robustness.threats.map { threat -> HTML in
        "<td>\(row.cells[threat].map { cell($0, row, threat) } ?? "–")</td>"
      }
      return """
        <tr><th scope="row">\(row.label)<br><small>\(row.dataset) \(row.split)</small></th>\
        <td class="n">\(clean.map { "\(RunSummary.percent($0))" } ?? "–")</td>\(cells)</tr>

        """
    }
    return """
      <div class="wide" tabindex="0" role="region" aria-label="Robustness"><table class="robustness">
      <thead><tr><th scope="col">configuration</th><th scope="col" class="n">clean %</th>\(heads)</tr></thead>
      <tbody>
      \(rows)</tbody></table></div>
      \(HTML.pages(place, of: (robustness.rows.count + shown - 1) / shown, "before", "after") { page in
        Address.of(["robustness"], call.query.with(["page": page]))
      })
      <ul class="note">\(robustness.legend.map { "<li>\($0)</li>" as HTML })</ul>
      """
  }

  /// An accuracy with all that belongs to it; it leads to the runs behind it.
  private static func cell(
    _ cell: Robustness.Cell, _ row: Robustness.Row, _ threat: Robustness.ThreatModel
  ) -> HTML {
    let runs = Address.of(
      [],
      Query([
        .init(
          "where",
          "fingerprint = '\(row.fingerprint)' AND norm = '\(threat.norm.rawValue)' AND epsilon = "
            + RunSummary.epsilon(threat.epsilon))
      ]))
    let marks = cell.weaknesses.map { weakness -> HTML in
      "<abbr title=\"\(weakness.rawValue)\">\(String(weakness.letter))</abbr>"
    }
    var verdicts: [HTML] = []
    if cell.isRandomized, cell.verdict == .frozen || cell.verdict == .draws {
      if let frozen = cell.frozen { verdicts.append("F\(RunSummary.percent(frozen)) ") }
      if let draws = cell.draws { verdicts.append("M\(RunSummary.percent(draws)) ") }
    }
    return """
      <a href="\(runs)" title="The runs behind it"><b>\(RunSummary.percent(cell.accuracy))</b></a> \
      \(HTML.bar(cell.accuracy, low: cell.interval.low, high: cell.interval.high))<br>\
      <small>\(RunSummary.percent(cell.interval.low))–\(RunSummary.percent(cell.interval.high)), n = \(cell.n)\
      <br>\(verdicts)<span class="marks">\(marks)</span></small>
      <details><summary>\(cell.attacks.count.counted("attack"))</summary>\
      <ul>\(cell.attacks.map { "<li>\($0)</li>" as HTML })</ul></details>
      """
  }
}
