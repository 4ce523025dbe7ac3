import ArgumentParser
import Basics
import Experiments
import Records
import Reporting
import RunStore

/// Accuracy under attack, configurations against threat models.
struct RobustnessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "robustness",
    abstract: "Accuracy under attack: configurations against threat models, with what is missing.",
    discussion: """
      An image is right where it is right when clean and under all attacks of finished runs, those \
      at smaller budgets and the images of other runs (--inputs) included. Of a classifier that \
      draws noise the lower of two verdicts counts: the attacker knew the noise, and the mean over \
      fresh draws of the final images. Letters mark what a reviewer would ask for.

      EXAMPLE:
        elbow robustness
        elbow robustness --long --where "norm = 'linf'"
      """)

  @Option(
    name: .customLong("where"),
    help: "Condition over the columns of the query robustness, as \"epsilon = 8/255\".")
  var condition: String?
  @Flag(help: "One row a configuration and threat model, with its attacks.") var long = false
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let robustness = try Robustness(
      in: database.read(), where: condition.map(RowFilter.init))
    guard format.format == .table else { return try format.write(robustness.table) }
    guard !robustness.rows.isEmpty else {
      return Output.error(
        "no finished attacked runs; make some with 'elbow run --attack standard --epsilon 8/255'")
    }
    if long {
      try format.write(robustness.listing, asked: Robustness.explained)
    } else {
      try format.write(robustness.matrix, stub: 1)
    }
    try Output.write("\n" + robustness.legend.map { $0 + "\n" }.joined())
  }
}
