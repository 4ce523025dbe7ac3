import ArgumentParser
import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore
import Statistics

extension AttackConfiguration.Norm: ExpressibleByArgument {}

/// Accuracy against compute: the Pareto front, its knee, and what a budget buys.
struct ParetoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pareto",
    abstract: "Accuracy against compute: the runs that no other beats, the knee, a budget's best.",
    discussion: """
      Of every configuration and seed the newest finished clean run is taken, a live one before a \
      replay. Besides the Pareto front the table has the runs tied with it: whose difference in accuracy \
      to the best run of the front at no more cost has a 95 % interval with 0 in it (Bonett \
      and Price's where both classified, or were attacked on, the same images, else Newcombe's). The hypervolume is the mean, over all budgets up to the largest cost, of the \
      best accuracy that a budget buys. Robust accuracy is that under the worst of all recorded \
      attacks of --norm and --epsilon, image by image, of the same configuration.

      EXAMPLE:
        elbow pareto
        elbow pareto --within 1
      """)

  @Option(
    help: ArgumentHelp(
      "Two of accuracy, robust-accuracy; nfe, gradients, seconds, cpu-seconds an image; memory, a "
        + "process's peak.",
      valueName: "x,y"))
  var axes = "nfe,accuracy"
  @OptionGroup(title: "Which runs") var selection: RunSelection
  @Option(
    help:
      "Threat model of robust accuracy: linf, l2, flow, rotation, corruption (default: the recorded one)."
  )
  var norm: AttackConfiguration.Norm?
  @Option(help: "Its budget in pixel units, as 8/255 (default: the recorded one).")
  var epsilon: String?
  @Option(
    help: ArgumentHelp(
      "Name the cheapest run whose difference to the best has a 95 % lower bound of at least minus "
        + "so many points.", valueName: "points"))
  var within: Double?
  @Option(
    help: ArgumentHelp(
      "Name the most accurate run under a cost: 50nfe, 5gradients, 0.1seconds, 2cpu-seconds, 300MiB.",
      valueName: "cost"))
  var budget: String?
  @Option(help: "Largest cost of the hypervolume (default: that of the runs).")
  var reference: Double?
  @Flag(help: "Every run, not only the Pareto front and what is tied with it.") var all = false
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    if let within, !(within >= 0) {
      throw ValidationError("--within must not be negative, got \(within)")
    }
    if let reference, !(reference > 0) {
      throw ValidationError("--reference must be positive, got \(reference)")
    }
  }

  func run() throws {
    let measures = try axes.split(separator: ",").map { try Measure.named(String($0)) }
    guard measures.count == 2, measures[0] != measures[1] else {
      throw ElbowError(.malformed, "--axes needs two different measures, as nfe,accuracy")
    }
    // The accuracy is what is bought, so it stands second.
    let swapped = measures[0].isAccuracy && !measures[1].isAccuracy
    let (x, y) = swapped ? (measures[1], measures[0]) : (measures[0], measures[1])
    let limit = try budget.map(Self.budget)
    let store = try database.read()
    let asked = measures + [limit?.measure].compactMap(\.self)
    let threat = try threat(asked, store)
    let table = try points(asked, threat, store)
    let view = ParetoView(table, x: x, y: y, reference: reference, threat: threat, store: store)
    guard !view.runs.rows.isEmpty else {
      if format.format == .json { return try Output.write(try view.json(all: all, answers: [])) }
      return Output.error("no finished clean runs to compare")
    }
    var answers: [ParetoView.Choice] = []
    if let within { answers.append(try view.cheapest(within: within)) }
    if let limit { answers.append(try view.best(under: limit.value, limit.measure)) }
    switch format.format {
    case .table:
      try format.write(view.table(all: all))
      try Output.write("\n" + view.description + answers.map { $0.text + "\n" }.joined())
    case .json: try Output.write(try view.json(all: all, answers: answers))
    default: try format.write(view.rows(all: all))
    }
  }

  /// The threat model of robust accuracies; nil where none is asked for.
  private func threat(
    _ measures: [Measure], _ store: RunStore
  ) throws -> QueryHandle.ThreatModel? {
    if measures.contains(.robustAccuracy) { return try threatModel(store) }
    guard norm == nil, epsilon == nil else {
      throw ElbowError(.malformed, "--norm and --epsilon need robust-accuracy among --axes")
    }
    return nil
  }

  /// The runs that have all measures.
  private func points(
    _ measures: [Measure], _ threat: QueryHandle.ThreatModel?, _ store: RunStore
  ) throws -> ResultTable {
    // A table for reading shows few of the columns.
    let shown = RunSummary.needed + ["n_correct", "n_robust", "n_robustness", "dataset", "split"]
    let columns = shown + measures.map(\.column).filter { !shown.contains($0) }
    var table = try store.query(
      .pareto(threat), where: selection.filter(),
      columns: format.format == .table ? columns : nil)
    let sources = Set(table.rows.indices.map { [table[$0, "dataset"], table[$0, "split"]] })
    guard sources.count <= 1 else {
      let names = sources.map { $0.map { $0.text(null: "several") }.joined(separator: " ") }
      throw ElbowError(
        .malformed,
        "the runs are over different images (\(names.sorted().joined(separator: ", "))); choose "
          + "with --where \"dataset = '…' AND split = '…'\"")
    }
    let whole = table.rows.indices.filter { i in
      measures.allSatisfy { table[i, $0.column].number != nil }
    }
    if whole.count < table.rows.count {
      Output.error(
        "elbow: \(table.rows.count - whole.count) runs lack one of "
          + "\(Set(measures.map(\.rawValue)).sorted().joined(separator: ", ")) and are left out")
    }
    table.rows = whole.map { table.rows[$0] }
    let sizes = Set(table.rows.indices.map { table[$0, "images"] })
    if sizes.count > 1 {
      Output.error(
        "elbow: the runs are over \(sizes.count) different numbers of images, so that some are "
          + "compared unpaired; choose with --where \"images = …\"")
    }
    return table
  }

  /// What --norm and --epsilon name, or the only one that is recorded.
  private func threatModel(_ store: RunStore) throws -> QueryHandle.ThreatModel {
    let given = try epsilon.map { try Self.fraction($0) }
    if let norm, let given { return .init(norm: norm.rawValue, epsilon: given) }
    let table = try store.query(.robustness)
    let recorded = Set(table.rows.indices.map { [table[$0, "norm"], table[$0, "epsilon"]] })
    let fitting = recorded.filter { model in
      (norm == nil || model[0] == .text(norm?.rawValue ?? ""))
        && (given == nil || abs((model[1].number ?? 0) - (given ?? 0)) < 1e-12)
    }
    guard fitting.count == 1, let only = fitting.first, let name = only[0].string,
      let budget = only[1].number
    else {
      let names = recorded.map {
        "\($0[0].text(null: "")) \(RunSummary.epsilon($0[1].number ?? 0))"
      }
      throw ElbowError(
        .malformed,
        recorded.isEmpty
          ? "no attacked run is recorded, so there is no robust accuracy"
          : "say which threat model with --norm and --epsilon; recorded are "
            + names.sorted().joined(separator: ", "))
    }
    return .init(norm: name, epsilon: budget)
  }

  private static func fraction(_ text: String) throws -> Double {
    guard let value = Fraction.parse(text) else {
      throw ElbowError(
        .malformed, "`epsilon` needs a number or a fraction as 8/255, got '\(text)'")
    }
    return value
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
        "--budget needs a number and a cost, as 50nfe, 5gradients, 0.1seconds, 2cpu-seconds or "
          + "300MiB, got '\(text)'")
    }
    return (value, measure)
  }
}
