import Basics
import Foundation
import Records
import Reporting
import RunStore
import Statistics

/// Accuracy against compute, as `elbow pareto` has it.
enum FrontPage {
  static let parameters: [Route.Parameter] = [
    .init(name: "axes", meaning: "Two measures with a comma between, as nfe,accuracy."),
    .condition("runs"),
    .init(
      name: "norm", meaning: "Threat model of robust accuracy.",
      kind: .choice(AttackConfiguration.Norm.allCases.map(\.rawValue))),
    .init(name: "epsilon", meaning: "Its budget in pixel units, as 8/255."),
    .init(
      name: "within", meaning: "Points that the cheapest may be below the best.", kind: .number),
    .init(name: "budget", meaning: "A cost, as 50nfe."),
    .init(name: "all", meaning: "Every run.", kind: .boolean),
  ]

  /// Rows of the table; of more the data has all.
  private static let shown = 200

  /// What an address asks.
  ///
  /// - Throws: `ElbowError` for what is out of form.
  static func question(_ call: Call) throws -> ParetoQuestion {
    let norm = try call["norm"].map { text in
      guard let norm = AttackConfiguration.Norm(rawValue: text) else {
        let known = AttackConfiguration.Norm.allCases.map(\.rawValue).joined(separator: ", ")
        throw ElbowError(.malformed, "`norm` must be one of \(known), got '\(text)'")
      }
      return norm
    }
    // A budget without a unit is of the first axis.
    let axes = call["axes"] ?? "nfe,accuracy"
    let plain = try ParetoQuestion(axes: axes)
    let budget = call["budget"].map { Double($0) == nil ? $0 : $0 + plain.x.unit }
    return try ParetoQuestion(
      axes: axes, within: call.real("within"), budget: budget, norm: norm, epsilon: call["epsilon"])
  }

  /// What an address is answered, for a program.
  ///
  /// - Throws: `ElbowError`.
  static func data(_ call: Call) throws -> ParetoQuestion.Answer {
    let (question, filter) = (try question(call), try call.filter())
    let asked = call.query.with(["all": nil, "limit": nil, "offset": nil])
    return try call.whole("front \(asked.encoded)") { store in
      try question.answer(store, where: filter, isForReading: false)
    }
  }

  /// The same as a page has it, and the largest cost; nil where a browser is to come again for it.
  private static func drawn(_ call: Call) throws -> (html: HTML, largest: Double)? {
    let (question, filter, isAll) = (try question(call), try call.filter(), try call.flag("all"))
    let query = call.query
    return try call.dear("front page \(query.encoded)") { store in
      let answer = try question.answer(store, where: filter, isForReading: true)
      let costs = answer.view.runs.rows.indices.compactMap {
        answer.view.runs[$0, question.x.column].number
      }
      return (self.answer(answer, question, query, isAll: isAll), costs.max() ?? 0)
    }
  }

  @Sendable static func page(_ call: Call) throws -> Page {
    var problem: ElbowError?
    var shown = HTML.underway
    var (largest, isUnderway) = (0.0, true)
    do {
      if let answer = try drawn(call) {
        (shown, largest, isUnderway) = (answer.html, answer.largest, false)
      }
    } catch let error as ElbowError {
      guard error.status < 500 else { throw error }
      (problem, shown, isUnderway) = (error, "", false)
    }
    let options = ["axes", "where", "norm", "epsilon", "within", "budget"].map {
      ("--\($0)", $0 == "budget" ? budget(call) : call[$0])
    }
    return Page(
      title: "Accuracy against compute",
      body: """
        <h1>Accuracy against compute</h1>
        \(form(call, problem, largest))
        <div id="answer" aria-live="polite">\(shown)</div>
        """,
      command: problem == nil
        ? call.command(["pareto"] + (try call.flag("all") ? ["--all"] : []), options) : nil,
      isUnderway: isUnderway,
      data: problem == nil ? Address.of(["api", "v1", "pareto"], call.query) : nil,
      // Of a file that has runs of several datasets one is to be chosen first: no mistake yet.
      section: "/front", status: problem == nil || call.query.encoded.isEmpty ? 200 : 400)
  }

  private static func budget(_ call: Call) -> String? {
    guard let text = call["budget"], Double(text) != nil,
      let question = try? ParetoQuestion(axes: call["axes"] ?? "nfe,accuracy")
    else { return call["budget"] }
    return text + question.x.unit.lowercased()
  }

  private static func form(_ call: Call, _ problem: ElbowError?, _ largest: Double) -> HTML {
    let costs = Measure.allCases.filter { !$0.isAccuracy }.map(\.rawValue)
    let pairs = ["accuracy", "robust-accuracy"].flatMap { y in costs.map { "\($0),\(y)" } }
    let wrong: HTML =
      problem == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"problem\""
    let budget = call["budget"] ?? ""
    return """
      <form class="ask" action="/front" method="get" data-live="answer">
      <div class="field"><label for="axes">Axes</label>
      <select id="axes" name="axes">\(HTML.options(pairs, chosen: call["axes"] ?? "nfe,accuracy"))</select></div>
      <div class="field long"><label for="where">Condition</label>
      <input id="where" name="where" value="\(call["where"] ?? "")" autocomplete="off" \
      spellcheck="false" placeholder="classifier = 'dc'" data-complete="names"\(wrong)>\
      \(problem.map { HTML.problem($0) })</div>
      <div class="field"><label for="budget">Budget</label>
      <input id="budget" name="budget" value="\(budget)" size="9" placeholder="50nfe" \
      data-slider="\(TableFormat.short(largest))"></div>
      <div class="field"><label for="within">Within points</label>
      <input id="within" name="within" value="\(call["within"] ?? "")" size="5" inputmode="decimal" placeholder="1"></div>
      \(call["norm"].map { HTML.hidden([.init("norm", $0)]) })\(call["epsilon"].map { HTML.hidden([.init("epsilon", $0)]) })
      <button>Show</button>
      <datalist id="names">\(HTML(RunSummary.needed.map { "<option>\($0)</option>" }))</datalist>
      </form>
      """
  }

  private static func answer(
    _ answer: ParetoQuestion.Answer, _ question: ParetoQuestion, _ query: Query, isAll: Bool
  ) -> HTML {
    guard !answer.view.runs.rows.isEmpty else {
      return "<p class=\"none\">No finished clean runs to compare.</p>"
    }
    let rows = answer.view.rows(all: true)
    let shown = answer.view.rows(all: isAll)
    var table = answer.view.table(all: isAll)
      .beginning(with: ["run", "name", "pareto"] + RunsPage.leading)
    let more: HTML? =
      table.rows.count > Self.shown
      ? "<p class=\"note\">The first \(Self.shown) of \(table.rows.count), by rising \(question.x.unit); the data has all.</p>"
      : nil
    table.rows = Array(table.rows.prefix(Self.shown))
    func id(_ row: Int) -> String { shown[row, "id"].text(null: "") }
    let notes = HTML(answer.notes.map { "<p class=\"note\">\(HTML.spelled($0))</p>" })
    let choices = HTML(answer.choices.map { "<p class=\"choice\">\($0.text)</p>" })
    let all =
      !isAll
      ? HTML.link(Address.of(["front"], query.with(["all": "true"])), "Show every run")
      : HTML.link(Address.of(["front"], query.with(["all": nil])), "Show the front only")
    return """
      \(choices)
      \(chart(rows, question))
      \(notes)
      \(TableView(
        table: table, caption: "Runs of the front and those tied with it",
        cell: { row, column in
          switch column {
          case "run": .run(id(row))
          case "pareto": table[row, column].string.map { "<span class=\"pareto \($0)\">\($0)</span>" }
          default: nil
          }
        }).html)\(more)
      <p class="note">\(all). \(answer.view.description.split(separator: "\n").map { "\($0). " as HTML })</p>
      """
  }

  // MARK: The drawing

  private static let kinds: [(mark: String, name: String, color: Int?)] = [
    ("", "no better than others", nil), ("tied", "tied with the front", 1),
    ("front", "Pareto front", 0), ("knee", "its knee", 3),
  ]

  private static func chart(_ rows: ResultTable, _ question: ParetoQuestion) -> HTML {
    let (x, y) = (question.x, question.y)
    func point(_ row: Int) -> Figure.Point {
      let cost = (rows[row, x.column].number ?? 0) * (x.isAccuracy ? 100 : 1)
      let value = rows[row, y.column].number ?? 0
      switch y {
      case .accuracy:
        return .init(
          cost, 100 * value, rows[row, .accuracyLow].map { 100 * $0 },
          rows[row, .accuracyHigh].map { 100 * $0 })
      case .robustAccuracy:
        let interval = WilsonInterval(
          share: value, of: Int(nearest: rows[row, .nRobustness] ?? 0))
        return .init(cost, 100 * value, 100 * interval.low, 100 * interval.high)
      default: return .init(cost, value)
      }
    }
    func rank(_ mark: String) -> [Int] {
      rows.rows.indices.filter { rows[$0, "pareto"] == .text(mark) }
    }
    var (series, members): ([Figure.Series], [[Int]]) = ([], [])
    let front = rows.rows.indices.filter {
      ["front", "knee"].contains(rows[$0, "pareto"].text(null: ""))
    }
    if !front.isEmpty, y.isAccuracy {
      series.append(.init("", front.map(point), style: .steps, color: 0))
      members.append(front)
    }
    for kind in kinds where !rank(kind.mark).isEmpty {
      series.append(.init(kind.name, rank(kind.mark).map(point), style: .points, color: kind.color))
      members.append(rank(kind.mark))
    }
    let isSpread =
      rows.rows.indices.allSatisfy { rows[$0, x.column].number ?? 0 > 0 } && !x.isAccuracy
    let figure = Figure(
      "\(name(y).prefix(1).uppercased())\(name(y).dropFirst()) against \(name(x))",
      panels: [
        .init(
          x: .init(name(x), isLogarithmic: isSpread),
          y: .init(name(y) + (y.isAccuracy ? " (%)" : ""), isPercent: y.isAccuracy),
          .series(series))
      ],
      caption: [
        "Bars are 95 % intervals (Wilson). Every mark leads to its run"
          + (rows.rows.count > Chart.many ? "; of many in one place the first is drawn." : ".")
      ], sources: [])
    let labels = RunSummary.labels(rows)
    return Chart(
      figure: figure,
      targets: { _, one, place in
        let row = members[one][place]
        let id = rows[row, "id"].text(null: "")
        let value = rows[row, y.column].number ?? 0
        let cost = TableFormat.short(rows[row, x.column].number ?? 0)
        let worth = y.isAccuracy ? "\(RunSummary.percent(value)) %" : TableFormat.short(value)
        return .init(
          address: Address.run(id), text: "\(labels[row]): \(worth), \(cost) \(x.unit)")
      }
    ).html
  }

  private static func name(_ measure: Measure) -> String {
    switch measure {
    case .accuracy: "accuracy"
    case .robustAccuracy: "robust accuracy"
    case .nfe: "network evaluations an image (NFE)"
    case .gradients: "gradients an image"
    case .seconds: "seconds an image"
    case .cpuSeconds: "CPU seconds an image"
    case .memory: "peak memory (MiB)"
    case .energy: "energy an image (J)"
    case .gpuEnergy: "energy of the GPU an image (J)"
    case .gpuMemory: "peak memory of the GPU (MiB)"
    }
  }
}
