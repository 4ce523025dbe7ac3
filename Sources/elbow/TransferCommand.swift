import ArgumentParser
import Basics
import Experiments
import Records
import Reporting
import RunStore

/// Attacked runs' images before each other's classifiers.
struct TransferCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfer",
    abstract: "Classify attacked runs' images by each other's classifiers, and print the matrix.",
    discussion: """
      Every classifier of the runs is run on the images that the attacks on the others made; what is \
      recorded already is not run again. These runs count as attacks in 'elbow robustness'. The \
      diagonal is each run's own attack; accuracies are of the images that were attacked.

      EXAMPLE:
        elbow run --classifier cnn --model fashion-mnist-cnn --images 4 --attack fgsm
        elbow run --grid log:0.4:1.5:4 --weights snr --images 4 --attack fgsm
        elbow transfer @last~1 @last
      """)

  @Argument(
    help: ArgumentHelp("Finished attacked runs, or a group of them.", valueName: "run"))
  var runs: [String]
  @OptionGroup var moved: MovedData
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: ArgumentHelp("Interrupt after this time, as 90s, 30m or 2h.")) var budget: String?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let store = try database.edit()
    defer { store.close() }
    let transfer = try Transfer(of: store.runIDs(runs), data: moved.data, in: store)
    try SweptCells(
      cells: transfer.cells, group: "transfer", threads: threads, budget: budget
    ).carryOut(store)
    try format.write(
      format.format == .table ? transfer.matrix(in: store) : transfer.answers(in: store), stub: 1)
  }
}
