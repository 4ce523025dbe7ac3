import Basics
import Foundation
import Queries
import Records
import RunStore
import Statistics

/// Runs as points of a trade-off, with what can be said of them.
package struct ParetoView: Sendable {
  /// A run that was asked for.
  package struct Choice: Sendable {
    /// `within` or `budget`.
    package var question: String
    /// Row; nil where none fits.
    package var row: Int?
    /// For reading.
    package var text: String
  }

  /// Rows of the query `pareto`, by rising `x`.
  package let runs: ResultTable
  private let x, y: Measure
  private let tradeOff: TradeOff
  private let reference: Double?
  private let store: RunStore
  /// Pairs of runs under attack, by their ids; empty where no robust accuracies are bought.
  private var robustPairs: [[String]: PairedCounts] = [:]
  /// Of every run its images and what is right of them, where accuracies are bought.
  private var answers: [String: (inputs: String, correct: String)] = [:]
  /// `front`, `knee` (of the front), `tied`, or nothing, of every run.
  private var marks: [String] = []

  /// - Parameter threat: of robust accuracies; nil where none are among the measures.
  /// - Throws: `ElbowError` where the runs cannot be paired.
  package init(
    _ runs: ResultTable, x: Measure, y: Measure, reference: Double?,
    threat: QueryHandle.ThreatModel?,
    store: RunStore
  ) throws {
    func value(_ row: Int, _ measure: Measure) -> Double { runs[row, measure.column].number ?? 0 }
    let order = runs.rows.indices.sorted { (value($0, x), $0) < (value($1, x), $1) }
    self.runs = ResultTable(columns: runs.columns, rows: order.map { runs.rows[$0] })
    (self.x, self.y) = (x, y)
    tradeOff = TradeOff(
      .init(isAccuracy: x.isAccuracy, values: order.map { value($0, x) }),
      .init(isAccuracy: y.isAccuracy, values: order.map { value($0, y) }))
    (self.reference, self.store) = (reference, store)
    if let threat, y == .robustAccuracy { robustPairs = try pairs(under: threat) }
    if y == .accuracy {
      let table = try store.query(.answers(of: self.runs.rows.indices.map(id)))
      for row in table.rows.indices {
        let texts = ["run_id", "inputs", "correct"].map { table[row, $0].text(null: "") }
        answers[texts[0]] = (texts[1], texts[2])
      }
    }
    marks = try found()
  }

  /// Every run with the front's best at no more cost, and with the best of all: what can be asked.
  private func pairs(under threat: QueryHandle.ThreatModel) throws -> [[String]: PairedCounts] {
    let asked = runs.rows.indices.flatMap { i in
      Set([tradeOff.champion(over: i), tradeOff.front.last].compactMap(\.self))
        .map { (id($0), id(i)) }
    }
    let table = try store.query(.pairedRobust(asked, threat))
    return Dictionary(
      table.rows.indices.map { row in
        let runs = ["run_a", "run_b"].map { table[row, $0].text(null: "") }
        return (runs, Self.counts(table, row))
      }, uniquingKeysWith: { first, _ in first })
  }

  private static func counts(_ table: ResultTable, _ row: Int) -> PairedCounts {
    func count(_ column: String) -> Int { Int(nearest: table[row, column].number ?? 0) }
    return PairedCounts(
      both: count("both"), b: count("b"), c: count("c"), neither: count("neither"))
  }

  private func id(_ row: Int) -> String { runs[row, .id] ?? "" }
  private func number(_ row: Int, _ measure: Measure) -> Double {
    runs[row, measure.column].number ?? 0
  }

  /// 95 % interval of the second run's `y` less the first's; nil where `y` is no accuracy.
  private func difference(_ a: Int, _ b: Int) throws -> ClosedRange<Double>? {
    guard y.isAccuracy else { return nil }
    let isRobust = y == .robustAccuracy
    let (right, of) = isRobust ? ("n_robust", "n_robustness") : ("n_correct", "n_done")
    func count(_ row: Int, _ column: String) -> Int {
      Int(nearest: (runs[row, column].number ?? 0).rounded())
    }
    if count(a, of) == count(b, of), let pair = try pair(a, b, isRobust, of: count(a, of)) {
      return pair.deltaInterval
    }
    return differenceInterval((count(a, right), count(a, of)), (count(b, right), count(b, of)))
  }

  /// Two runs on their images; nil where they do not share all of them.
  private func pair(_ a: Int, _ b: Int, _ isRobust: Bool, of n: Int) throws -> PairedCounts? {
    let (first, second) = (id(a), id(b))
    if isRobust { return robustPairs[[first, second]].flatMap { $0.n == n ? $0 : nil } }
    // Most runs of one set of images have them in one order, which is found out sooner.
    if let one = answers[first], let other = answers[second], one.inputs == other.inputs,
      let pair = PairedCounts(one.correct, other.correct), pair.n == n
    {
      return pair
    }
    let pair = Self.counts(try store.query(.paired(first, second)), 0)
    return pair.n == n ? pair : nil
  }

  private func found() throws -> [String] {
    let knee = tradeOff.knee
    return try runs.rows.indices.map { i in
      if i == knee { return "knee" }
      guard let champion = tradeOff.champion(over: i) else { return "front" }
      return try difference(champion, i).map { $0.contains(0) } ?? false ? "tied" : ""
    }
  }

  // MARK: Questions

  /// The cheapest run whose `y` is surely no more than `points` below the best.
  package func cheapest(within points: Double) throws -> Choice {
    guard y.isAccuracy, let best = tradeOff.front.last else {
      throw ElbowError(.malformed, "`within` needs an accuracy among `axes`")
    }
    for i in runs.rows.indices {
      guard let interval = try difference(best, i),
        i == best || interval.lowerBound >= -points / 100
      else { continue }
      let bounds = [interval.lowerBound, interval.upperBound].map {
        String(format: "%+.1f", 100 * $0)
      }
      let text =
        i == best
        ? "no cheaper run is surely within \(short(points)) points of the best"
        : "cheapest within \(short(points)) points of the best (\(bounds[0]) to \(bounds[1]))"
      return Choice(question: "within", row: i, text: "\(text): \(describe(i))")
    }
    return Choice(question: "within", row: nil, text: "no run")
  }

  /// The run with the best `y` that costs no more than `limit`.
  package func best(under limit: Double, _ measure: Measure) throws -> Choice {
    guard y.isAccuracy else {
      throw ElbowError(.malformed, "`budget` needs an accuracy among `axes`")
    }
    // What a run does not tell is not known to be affordable.
    let affordable = runs.rows.indices.filter {
      runs[$0, measure.column].number.map { $0 <= limit } ?? false
    }
    let best = affordable.max {
      (number($0, y), -number($0, measure)) < (number($1, y), -number($1, measure))
    }
    let budget = "\(short(limit)) \(measure.unit)"
    return Choice(
      question: "budget", row: best,
      text: best.map { row in
        let cost = measure == x ? "" : ", \(short(number(row, measure))) \(measure.unit)"
        return "most accurate under \(budget): \(describe(row))\(cost)"
      }
        ?? "no run costs \(budget) or less")
  }

  private func describe(_ row: Int) -> String {
    let name = runs[row, .name].map { " \($0)" } ?? ""
    let how = [RunSummary.classifier(runs, row), RunSummary.strategy(runs[row, .strategy] ?? "")]
    return "\(id(row).prefix(RunSummary.shortID))\(name), "
      + "\(how.filter { !$0.isEmpty }.joined(separator: " ")), "
      + "\(RunSummary.percent(number(row, y))) %, \(short(number(row, x))) \(x.unit)"
  }

  private func short(_ value: Double) -> String { String(format: "%.4g", value) }

  // MARK: Output

  private var hypervolume: (value: Double, reference: Double) {
    let largest = runs.rows.indices.map { number($0, x) }.max() ?? 0
    let other = runs.rows.indices.map { number($0, y) }.max() ?? 0
    let reference = reference ?? largest
    return (tradeOff.hypervolume(xReference: reference, yReference: other), reference)
  }

  /// The runs with their marks.
  package func rows(all: Bool) -> ResultTable {
    let table = runs.dropping("age").dropping("older").appending("pareto", marks.map { .text($0) })
    let kept = table.rows.indices.filter { all || marks[$0] != "" }
    return ResultTable(columns: table.columns, rows: kept.map { table.rows[$0] })
  }

  /// The same for reading.
  package func table(all: Bool) -> ResultTable {
    let rows = rows(all: all)
    var table = RunSummary.table(rows, asked: asked)
    func add(_ measure: Measure, _ format: String) {
      guard x == measure || y == measure else { return }
      table = table.appending(
        measure.heading,
        rows.rows.indices.map { i in
          rows[i, measure.column].number.map { .text(String(format: format, $0)) } ?? .null
        })
    }
    add(.cpuSeconds, "%.3f")
    add(.memory, "%.1f")
    add(.energy, "%.3g")
    add(.gpuEnergy, "%.3g")
    add(.gpuMemory, "%.1f")
    if x == .robustAccuracy || y == .robustAccuracy {
      let robust = rows.rows.indices.map { i -> Cell in
        guard let n = rows[i, .nRobustness], let k = rows[i, .nRobust], n > 0
        else { return .null }
        let interval = WilsonInterval(successes: Int(nearest: k), of: Int(nearest: n))
        let bounds = "\(RunSummary.percent(interval.low))–\(RunSummary.percent(interval.high))"
        return .text("\(RunSummary.percent(k / n)) (\(bounds)) of \(Int(nearest: n))")
      }
      table = table.appending(Measure.robustAccuracy.heading, robust)
    }
    return table.appending("pareto", rows.rows.indices.map { rows[$0, "pareto"] })
  }

  /// Columns of the table to read that were asked for.
  package var asked: [String] { [x.heading, y.heading] }

  /// Hypervolume and knee in words, and what makes them doubtful.
  package var description: String {
    let (volume, reference) = hypervolume
    let meaning =
      y.isAccuracy && !x.isAccuracy
      ? "mean \(y.rawValue) over budgets up to \(short(reference)) \(x.unit)"
      : "share of the square that the front dominates"
    let knee = tradeOff.knee.map { "knee: \(describe($0))\n" } ?? ""
    let counts = runs.rows.indices.map { runs.count($0, "n_done") }
    let most = counts.max() ?? 0
    let doubt =
      y == .accuracy && counts.min() != most
      ? "\(RunSummary.count(counts)): on few images a run is easily right on all; the condition "
        + "images >= \(most) leaves such out\n"
      : ""
    return String(format: "hypervolume: %.4f (%@)\n", volume, meaning)
      + (y.isAccuracy ? knee + doubt : "")
  }

  /// `axes`, `hypervolume`, `reference`, `knee` (an id), `points`, and an id for each question.
  package func json(all: Bool, answers: [Choice]) -> String {
    let table = rows(all: all)
    let objects = table.rows.map { TableFormat.json.object(table.columns, $0) }
    let points = objects.isEmpty ? "[]" : "[\n    \(objects.joined(separator: ",\n    "))\n  ]"
    let (volume, reference) = hypervolume
    func text(_ id: String?) -> String {
      id.map { TableFormat.json($0) } ?? "null"
    }
    var fields = [
      "\"axes\": [\"\(x.rawValue)\", \"\(y.rawValue)\"]",
      "\"hypervolume\": \(TableFormat.json(.real(volume)))",
      "\"reference\": \(TableFormat.json(.real(reference)))",
      "\"knee\": \(text(tradeOff.knee.map(id)))",
    ]
    fields += answers.map { "\"\($0.question)\": \(text($0.row.map(id)))" }
    return "{\n  \((fields + ["\"points\": \(points)"]).joined(separator: ",\n  "))\n}\n"
  }
}

extension PairedCounts {
  /// Counts of two texts with a 1 for each image that is right, else a 0; nil where they are of unlike
  /// lengths.
  fileprivate init?(_ first: String, _ second: String) {
    guard first.utf8.count == second.utf8.count else { return nil }
    let one = UInt8(ascii: "1")
    var counts = [0, 0, 0, 0]
    for (a, b) in zip(first.utf8, second.utf8) {
      counts[(a == one ? 2 : 0) + (b == one ? 1 : 0)] += 1
    }
    self.init(both: counts[3], b: counts[2], c: counts[1], neither: counts[0])
  }
}
