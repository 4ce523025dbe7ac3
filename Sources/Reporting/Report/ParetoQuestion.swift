import Basics
import Queries
import Records
import RunStore

/// What a trade-off is asked: on which axes, and what is bought for how much.
package struct ParetoQuestion: Sendable {
  /// The two measures as they were named.
  private let measures: [Measure]
  /// What a run costs, or is worth, and what is bought with it.
  package let x, y: Measure
  private let within: Double?
  private let limit: (value: Double, measure: Measure)?
  private let reference: Double?
  private let norm: AttackConfiguration.Norm?
  private let epsilon: Double?

  /// The answer to one.
  package struct Answer: Sendable {
    /// The runs.
    package let view: ParetoView
    /// Answers to `within` and `budget`, in this order.
    package let choices: [ParetoView.Choice]
    /// What is left out, and what is compared unpaired.
    package let notes: [String]
  }

  /// The question as users spell it.
  ///
  /// - Parameters:
  ///   - axes: two measures with a comma between.
  ///   - within: points that the cheapest run may surely be below the best.
  ///   - budget: a cost, as `50nfe`.
  ///   - reference: largest cost of the hypervolume.
  ///   - norm: of the threat model of robust accuracy; nil: the recorded one.
  ///   - epsilon: of the same.
  /// - Throws: `ElbowError` for what is out of form.
  package init(
    axes: String, within: Double? = nil, budget: String? = nil, reference: Double? = nil,
    norm: AttackConfiguration.Norm? = nil, epsilon: String? = nil
  ) throws {
    measures = try axes.split(separator: ",").map { try Measure.named(String($0)) }
    guard measures.count == 2, measures[0] != measures[1] else {
      throw ElbowError(.malformed, "`axes` needs two different measures, as nfe,accuracy")
    }
    // The accuracy is what is bought, so it stands second.
    let isSwapped = measures[0].isAccuracy && !measures[1].isAccuracy
    (x, y) = isSwapped ? (measures[1], measures[0]) : (measures[0], measures[1])
    limit = try budget.map(Self.budget)
    (self.within, self.reference, self.norm) = (within, reference, norm)
    self.epsilon = try epsilon.map { text in
      guard let value = Fraction.parse(text) else {
        throw ElbowError(
          .malformed, "`epsilon` needs a number or a fraction as 8/255, got '\(text)'")
      }
      return value
    }
  }

  /// What the runs answer.
  ///
  /// - Parameters:
  ///   - store: where they are recorded.
  ///   - filter: which runs; nil: all.
  ///   - isForReading: whether the columns of a table to read are enough.
  /// - Throws: `ElbowError` where the runs are over different images, or the threat model is not clear.
  package func answer(
    _ store: RunStore, where filter: RowFilter?, isForReading: Bool
  ) throws -> Answer {
    let threat = try threat(measures + [limit?.measure].compactMap(\.self), store)
    var notes: [String] = []
    let table = try points(
      threat, store, where: filter, isForReading: isForReading, notes: &notes)
    let view = try ParetoView(table, x: x, y: y, reference: reference, threat: threat, store: store)
    var choices: [ParetoView.Choice] = []
    if !table.rows.isEmpty {
      if let within { choices.append(try view.cheapest(within: within)) }
      if let limit { choices.append(try view.best(under: limit.value, limit.measure)) }
    }
    return Answer(view: view, choices: choices, notes: notes)
  }

  /// The threat model of robust accuracies; nil where none is asked for.
  private func threat(
    _ measures: [Measure], _ store: RunStore
  ) throws -> QueryHandle.ThreatModel? {
    if measures.contains(.robustAccuracy) { return try threatModel(store) }
    guard norm == nil, epsilon == nil else {
      throw ElbowError(.malformed, "`norm` and `epsilon` need robust-accuracy among `axes`")
    }
    return nil
  }

  /// The runs that have both measures.
  private func points(
    _ threat: QueryHandle.ThreatModel?, _ store: RunStore, where filter: RowFilter?,
    isForReading: Bool, notes: inout [String]
  ) throws -> ResultTable {
    let asked = measures + [limit?.measure].compactMap(\.self).filter { !measures.contains($0) }
    let optional = asked.filter { $0.condition != nil && !$0.isAccuracy }
    // A table for reading shows few of the columns.
    let shown =
      RunSummary.needed + ["n_correct", "n_robust", "n_robustness", "dataset", "split", "older"]
    let columns = shown + asked.map(\.column).filter { !shown.contains($0) }
    var table = try store.query(
      .pareto(threat, measures: optional.map(\.column)), where: filter,
      columns: isForReading ? columns : nil)
    let sources = Set(table.rows.indices.map { [table[$0, "dataset"], table[$0, "split"]] })
    guard sources.count <= 1 else {
      let names = sources.map { $0.map { $0.text(null: "several") }.joined(separator: " ") }
      throw ElbowError(
        .malformed,
        "the runs are over different images (\(names.sorted().joined(separator: ", "))); choose "
          + "with `where` \"dataset = '…' AND split = '…'\"")
    }
    let whole = table.rows.indices.filter { i in
      measures.allSatisfy { table[i, $0.column].number != nil }
    }
    let older = table.rows.indices.reduce(0) { $0 + table.count($1, "older") }
    notes += [RunGroups.note(older: older, isByAge: optional.isEmpty)].compactMap(\.self)
    for measure in measures {
      let lacking = table.rows.indices.count { table[$0, measure.column].number == nil }
      guard lacking > 0 else { continue }
      notes.append(
        "\(lacking.counted("run")) without \(measure.rawValue) \(lacking == 1 ? "is" : "are") left out"
          + (measure.condition.map { ": \($0)" } ?? ""))
    }
    table.rows = whole.map { table.rows[$0] }
    let sizes = Set(table.rows.indices.map { table[$0, "images"] })
    if sizes.count > 1 {
      notes.append(
        "the runs are over \(sizes.count) different numbers of images, so that some are "
          + "compared unpaired; choose with `where` \"images = …\"")
    }
    return table
  }

  /// What `norm` and `epsilon` name, or the only one that is recorded.
  private func threatModel(_ store: RunStore) throws -> QueryHandle.ThreatModel {
    if let norm, let epsilon { return .init(norm: norm.rawValue, epsilon: epsilon) }
    let table = try store.query(.threatModels)
    let recorded = Set(table.rows.indices.map { [table[$0, "norm"], table[$0, "epsilon"]] })
    let fitting = recorded.filter { model in
      (norm == nil || model[0] == .text(norm?.rawValue ?? ""))
        && (epsilon == nil || abs((model[1].number ?? 0) - (epsilon ?? 0)) < 1e-12)
    }
    guard fitting.count == 1, let only = fitting.first, let name = only[0].string,
      let budget = only[1].number
    else {
      let names = recorded.map {
        RunSummary.threat($0[0].text(null: ""), $0[1].number ?? 0)
      }
      throw ElbowError(
        .malformed,
        recorded.isEmpty
          ? "no attacked run is recorded, so there is no robust accuracy"
          : "say which threat model with `norm` and `epsilon`; recorded are "
            + names.sorted().joined(separator: ", "))
    }
    return .init(norm: name, epsilon: budget)
  }

  /// `50nfe` and the like.
  private static func budget(_ text: String) throws -> (value: Double, measure: Measure) {
    let digits = text.prefix { $0.isNumber || $0 == "." || $0 == "_" }
    let unit = String(text.dropFirst(digits.count)).trimmed
    guard let value = Double(digits),
      let measure = Measure.allCases.first(where: { $0.unit.lowercased() == unit.lowercased() }),
      !measure.isAccuracy
    else {
      throw ElbowError(
        .malformed,
        "`budget` needs a number and a cost, as 50nfe, 5gradients, 0.1seconds, 2cpu-seconds, 20J or "
          + "300MiB, got '\(text)'")
    }
    return (value, measure)
  }
}
