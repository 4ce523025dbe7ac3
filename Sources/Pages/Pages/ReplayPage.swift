import Basics
import Classifiers
import Experiments
import Foundation
import Queries
import Records
import Reporting
import RunStore

/// Strategies on the losses that a run recorded, as `elbow replay` has it; nothing is recorded.
enum ReplayPage {
  static let parameters: [Route.Parameter] = [
    .init(name: "run", meaning: "The run whose losses are replayed."),
    .init(
      name: "family", meaning: "Which timesteps, so many as `count` says.",
      kind: .choice(families)),
    .init(name: "count", meaning: "Timesteps of the family.", kind: .integer(1...100_000)),
    .init(name: "strategy", meaning: "Any strategy, in place of the family."),
    .init(
      name: "weights", meaning: "Weights of the noise levels.",
      kind: .choice(NoiseWeights.allCases.map(\.rawValue))),
  ]

  /// Strategies that one number makes.
  private static let families = ["uniform", "first", "last", "random"]

  /// The run that an address names.
  ///
  /// - Throws: `ElbowError` where it names none.
  static func runName(_ call: Call) throws -> String {
    guard let name = call["run"] else { throw ElbowError(.malformed, "name the run, as `run`") }
    return name
  }

  /// What an address asks.
  ///
  /// - Parameter family: where it names neither family nor strategy; nil: the run's own strategy.
  /// - Throws: `ElbowError`.
  static func answer(
    _ id: String, _ call: Call, family: String? = nil
  ) throws -> ReplayAnswer {
    let (replay, session) = try call.archive.replay(id, call.store)
    let strategy = try strategy(call, family, timesteps: replay.source.timesteps.count)
    return try ReplayAnswer(replay, strategy: strategy, weights: call["weights"], in: session)
  }

  private static func strategy(
    _ call: Call, _ usual: String?, timesteps: Int
  ) throws -> String? {
    if let strategy = call["strategy"] { return strategy }
    guard let family = call["family"] ?? usual else { return nil }
    guard families.contains(family) else {
      throw ElbowError(
        .unknownName,
        "no family '\(family)'; there are \(families.joined(separator: ", "))"
          + didYouMean(family, among: families))
    }
    let most = max(timesteps, 1)
    return "\(family):\(try call.number("count", in: 1...most, usual: (most + 1) / 2))"
  }

  @Sendable static func page(_ call: Call) throws -> Page {
    let candidates = try candidates(call)
    guard let name = call["run"] ?? candidates.rows.first?[0].string else {
      return Page(
        title: "Replay",
        body: """
          <h1>Replay</h1>
          <p class="none">No run with recorded losses yet. \
          <code>elbow run --strategy full</code> records some.</p>
          """, section: "/replay")
    }
    let id = try call.store.runID(name)
    var problem: ElbowError?
    var (shown, command): (HTML, String?) = ("", nil)
    var (timesteps, isUnderway) = (1, false)
    do {
      if try call.archive.isReady(id, call.store) || isRead(id, call) {
        timesteps = try call.archive.replay(id, call.store).0.source.timesteps.count
        let answer = try answer(id, call, family: families[0])
        shown = try self.answer(answer, id, call)
        command = call.command(
          ["replay", id],
          [
            ("--strategy", answer.configuration.strategy), ("--weights", call["weights"]),
          ])
      } else {
        (shown, isUnderway) = (.underway, true)
      }
    } catch let error as ElbowError {
      guard error.status < 500 else { throw error }
      problem = error
    }
    return Page(
      title: "Replay",
      body: """
        <h1>Replay</h1>
        <p class="lead">What another strategy would have answered, and cost, on recorded losses.</p>
        \(form(id, candidates, timesteps, problem, call))
        <div id="answer" aria-live="polite">\(shown)</div>
        """, command: command, isUnderway: isUnderway,
      data: problem == nil
        ? Address.of(
          ["api", "v1", "replay"],
          call.query.with(["run": id, "family": call["family"] ?? families[0]]))
        : nil,
      section: "/replay", status: problem != nil && isAsked(call) ? 400 : 200)
  }

  /// Reads the losses of a run; false where a browser is to come again for them.
  private static func isRead(_ id: String, _ call: Call) throws -> Bool {
    let archive = call.archive
    return try call.dear("losses \(id)", version: Archive.extent(of: id, call.store)) { store in
      _ = try archive.replay(id, store)
      return true
    } ?? false
  }

  /// Whether more than a run is asked for: one that cannot be replayed is no mistake yet.
  private static func isAsked(_ call: Call) -> Bool {
    ["family", "count", "strategy", "weights"].contains { call[$0] != nil }
  }

  /// Finished runs that weighed losses and were asked everything, newest first.
  private static func candidates(_ call: Call) throws -> ResultTable {
    try call.store.query(
      .runs,
      where: RowFilter(
        "status = 'finished' AND strategy = 'full' AND replay_of IS NULL AND n_done > 0"),
      columns: RunSummary.needed, limit: 50)
  }

  private static func form(
    _ id: String, _ candidates: ResultTable, _ timesteps: Int, _ problem: ElbowError?,
    _ call: Call
  ) -> HTML {
    let labels = RunSummary.labels(candidates)
    var runs = candidates.rows.indices.map { row in
      (candidates[row, "id"].text(null: ""), labels[row])
    }
    if !runs.contains(where: { $0.0 == id }) {
      runs.insert((id, String(id.prefix(RunSummary.shortID))), at: 0)
    }
    let choices = runs.map { run, label -> HTML in
      let isChosen: HTML = run == id ? " selected" : ""
      return
        "<option value=\"\(run)\"\(isChosen)>\(label) \(run.prefix(RunSummary.shortID))</option>"
    }
    let weights = NoiseWeights.allCases.map(\.rawValue)
    let own: HTML = "<option value=\"\">the run's own</option>"
    let wrong: HTML =
      problem == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"problem\""
    let count = call["count"].flatMap(Int.init) ?? (timesteps + 1) / 2
    return """
      <form class="ask" action="/replay" method="get" data-live="answer">
      <div class="field"><label for="run">Run</label>
      <select id="run" name="run">\(choices)</select></div>
      <div class="field"><label for="family">Timesteps</label>
      <select id="family" name="family">\(HTML.options(families, chosen: call["family"] ?? families[0]))</select></div>
      <div class="field"><label for="count">How many of \(timesteps)</label>
      <input id="count" name="count" type="range" min="1" max="\(timesteps)" value="\(count)"></div>
      <div class="field"><label for="weights">Weights</label>
      <select id="weights" name="weights">\(own)\(HTML.options(weights, chosen: call["weights"]))</select></div>
      <div class="field"><label for="strategy">or any strategy</label>
      <input id="strategy" name="strategy" value="\(call["strategy"] ?? "")" autocomplete="off" \
      spellcheck="false" placeholder="halving:5x5,1x20" list="strategies"\(wrong)>\
      \(problem.map { HTML.problem($0) })</div>
      <button>Replay</button>
      <datalist id="strategies">\(HTML(SamplingStrategies.usages.map { "<option>\($0)</option>" }))</datalist>
      </form>
      """
  }

  private static func answer(
    _ answer: ReplayAnswer, _ id: String, _ call: Call
  ) throws -> HTML {
    let own = try call.store.query(.run(id))
    let share = Double(answer.nDiffer) / Double(answer.n)
    let saved = own[0, .nfePerImage].map { 100 * (1 - answer.nfe / $0) }
    return """
      \(HTML.tiles([
        (
          "accuracy", "\(RunSummary.percent(answer.accuracy)) %",
          "\(RunSummary.percent(answer.interval.low))–\(RunSummary.percent(answer.interval.high)) (95 %), \(answer.nCorrect) of \(answer.n)"
        ),
        (
          "NFE", .number(answer.nfe, 1),
          "\(saved.map { "\(String(format: "%.0f", $0)) % less than the run's " as HTML })\(HTML.number(own[0, .nfePerImage], 1))"
        ),
        (
          "differs", "\(RunSummary.percent(share)) %",
          "of the images are answered otherwise than by the run (\(own[0, .accuracy].map { RunSummary.percent($0) } ?? "–") %)"
        ),
      ]))
      <p><code class="strategy">\(answer.configuration.strategy)</code> with weights \
      <code>\(answer.configuration.weights)</code> on the losses of run \(HTML.run(id)).</p>
      \(chart(answer, own, try call.store.query(.replays(of: id))))
      """
  }

  /// The answer beside the run and its recorded replays.
  private static func chart(
    _ answer: ReplayAnswer, _ own: ResultTable, _ replays: ResultTable
  ) -> HTML {
    func point(_ table: ResultTable, _ row: Int) -> Figure.Point? {
      guard let accuracy = table[row, .accuracy], let cost = table[row, .nfePerImage], cost > 0
      else { return nil }
      return .init(
        cost, 100 * accuracy, table[row, .accuracyLow].map { 100 * $0 },
        table[row, .accuracyHigh].map { 100 * $0 })
    }
    let recorded = replays.rows.indices.filter { point(replays, $0) != nil }
    var series: [Figure.Series] = []
    if !recorded.isEmpty {
      series.append(
        .init("recorded replays", recorded.compactMap { point(replays, $0) }, style: .points))
    }
    if let mine = point(own, 0) {
      series.append(.init("the run", [mine], style: .points, color: 0))
    }
    series.append(
      .init(
        "this strategy",
        [
          .init(
            answer.nfe, 100 * answer.accuracy, 100 * answer.interval.low,
            100 * answer.interval.high)
        ], style: .points, color: 3))
    let figure = Figure(
      "Accuracy against network evaluations",
      panels: [
        .init(
          x: .init("network evaluations an image (NFE)", isLogarithmic: true),
          y: .init("accuracy (%)", isPercent: true), .series(series))
      ], caption: ["Bars are 95 % intervals (Wilson)."], sources: [])
    return Chart(figure: figure).html
  }
}
