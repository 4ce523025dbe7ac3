import ArgumentParser
import Basics
import Experiments
import Foundation
import Records
import Reporting
import RunStore

/// Makes a run or training again and compares bit by bit.
struct ReproduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Make a run or training again with this program, and compare bit by bit.",
    discussion: """
      Everything is taken from what is recorded; models and data are found by what they hold, under \
      the names that were recorded, then among the files given here and the shipped models. What is \
      missing is listed. Nothing is recorded.

      One row for each kind of number: how many were compared, how many are not the same to the last \
      bit, the largest difference, as a share of the recorded number, and at which image (of a \
      training: step). What is otherwise now than when it was recorded is said: code, libraries, \
      instruction set, BLAS, processor. On one build and instruction set all bits are equal, whatever \
      the threads and the batch; across instruction sets sums are rounded otherwise. Exits 1 where \
      anything differs.

      EXAMPLE:
        elbow reproduce @last
        elbow reproduce @last --model moved.safetensors --threads 1
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name; or a training's id.",
      valueName: "run"))
  var prefix: String
  @Option(
    help: ArgumentHelp(
      "Where a model of it is now; may be repeated.", valueName: "file"))
  var model: [String] = []
  @Option(
    help: ArgumentHelp("The engine that computes it, of a run that one did.", valueName: "command"))
  var engine: String?
  @Option(help: ArgumentHelp("Folder of the dataset's files.", valueName: "dir"))
  var data: String?
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: "Images in flight at once, at most one a thread (default: that).") var batch: Int?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    try RunCommand.check(threads: threads, batch: batch)
    CurrentCode.findOut()
    let store = try database.read()
    let session = Session(threads: threads, watch: Output.watch, arguments: Output.arguments)
    let interruption = Interruption(session.workers, budget: nil)
    defer { withExtendedLifetime(interruption) {} }
    let files = ReplacedFiles(models: model, data: data)
    let made: Reproduction
    do { made = try reproduction(store, session, files) } catch is CancellationError {
      throw ExitCode(130)
    }
    try format.write(made.comparisons.table, keepsAll: true)
    for circumstance in made.circumstances {
      Output.watch.note(
        "\(circumstance.name): \(circumstance.recorded.joined(separator: ", ")) when it was "
          + "recorded, \(circumstance.now) now")
    }
    let differing = made.comparisons.reduce(0) { $0 + $1.differing }
    Output.watch.note(
      differing == 0
        ? "\(made.run): the same to the last bit"
        : "\(made.run): \(differing) numbers are not the same to the last bit")
    if !made.isExact { throw ExitCode(1) }
  }

  private func reproduction(
    _ store: RunStore, _ session: Session, _ files: ReplacedFiles
  ) throws -> Reproduction {
    let id: String
    do { id = try store.runID(prefix) } catch let error as ElbowError
      where error.code == .unknownName
    {
      guard let training = try store.recordedTraining(prefix) else { throw error }
      return try Reproduction(of: training, in: store, session: session, files: files)
    }
    return try Reproduction(
      of: store.recordedRun(id), in: store, session: session, files: files, batch: batch,
      engine: engine)
  }
}

extension [NumberComparison] {
  /// One row a kind of number.
  fileprivate var table: ResultTable {
    ResultTable(
      columns: [
        "what", "compared", "differ", "largest_difference", "largest_share", "image_or_step",
      ],
      rows: map {
        [
          .text($0.what), .integer(Int64($0.compared)), .integer(Int64($0.differing)),
          $0.largest.map { .real($0) } ?? .null, $0.largestShare.map { .real($0) } ?? .null,
          $0.place.map { .integer(Int64($0)) } ?? .null,
        ]
      })
  }
}
