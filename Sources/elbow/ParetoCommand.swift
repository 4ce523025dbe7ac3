import ArgumentParser
import Records
import Reporting

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
        + "process's peak; energy, joules an image where RAPL tells; gpu-energy, gpu-memory where an "
        + "engine tells.",
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
      "Name the most accurate run under a cost: 50nfe, 5gradients, 0.1seconds, 2cpu-seconds, 20J, 300MiB.",
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
    let question = try ParetoQuestion(
      axes: axes, within: within, budget: budget, reference: reference, norm: norm,
      epsilon: epsilon)
    let store = try database.read()
    let answer = try question.answer(
      store, where: selection.filter(), isForReading: format.format == .table)
    for note in answer.notes { Output.note("elbow: \(Output.spelled(note))") }
    guard !answer.view.runs.rows.isEmpty else {
      if format.format == .json { return try Output.write(answer.view.json(all: all, answers: [])) }
      return Output.error(
        answer.notes.isEmpty
          ? "elbow: no finished clean runs to compare" : "elbow: no run is left to compare")
    }
    switch format.format {
    case .table:
      try format.write(answer.view.table(all: all), asked: answer.view.asked)
      try Output.write(
        "\n" + answer.view.description + answer.choices.map { $0.text + "\n" }.joined())
    case .json: try Output.write(answer.view.json(all: all, answers: answer.choices))
    default: try format.write(answer.view.rows(all: all))
    }
  }
}
