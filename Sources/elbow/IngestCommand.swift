import ArgumentParser
import Basics
import Experiments
import Foundation
import RunStore

/// Records what other programs say of their runs.
struct IngestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ingest", abstract: "Record runs of other programs from lines of JSON.",
    usage: """
      elbow ingest <file>|-
      elbow ingest --python > elbow.py
      elbow ingest --schema
      """,
    discussion: """
      A line begins a run, adds an image with its predictions, ELBOs and losses, adds metrics, or \
      ends a run; any number of runs go through one pipe. Lines are acknowledged on standard output \
      once they are on the disk, as {"committed":120}; a bad line is named by its number and left \
      out. The same lines may be sent again: what is recorded already is passed over. The runs are \
      compared, replayed and plotted as Elbow's own are.

      --python prints a module for Python that writes the lines, --schema their JSON Schema.

      EXAMPLE:
        elbow ingest --python > elbow.py
        elbow ingest records.jsonl
        python3 evaluate.py | elbow ingest -
      """)

  @Argument(help: ArgumentHelp("File of lines; -: standard input.", valueName: "file"))
  var file: String?
  @Flag(help: "Print the module for Python.") var python = false
  @Flag(help: "Print the JSON Schema of a line.") var schema = false
  @OptionGroup var database: DatabaseOption

  func validate() throws {
    guard [file != nil, python, schema].count(where: { $0 }) == 1 else {
      throw ValidationError("give a file of lines, - for standard input, --python or --schema")
    }
  }

  func run() throws {
    guard let file else { return try Output.write(python ? Ingest.python : Ingest.schema) }
    let input = file == "-" ? STDIN_FILENO : open(file, O_RDONLY)
    guard input >= 0 else {
      throw ElbowError(.missing, "\(file) cannot be read (\(String(cString: strerror(errno))))")
    }
    let store = try database.record()
    defer { store.close() }
    // Whoever does not want to hear what is recorded has it recorded all the same.
    var isHeard = true
    let ingest = Ingest(into: store) { answer in
      guard isHeard else { return }
      do { try Output.write(answer + "\n") } catch is ClosedPipe { isHeard = false }
    }
    let stop = StopSignal()
    try ingest.read(input, until: stop.stream)
    stop.passOn()
    let totals = ingest.totals
    if let first = totals.firstContradiction {
      Output.error(
        "elbow: \(totals.contradictions.counted("prediction")), of line \(first) first, not what the "
          + "losses say by the run's grid and weights; see that these are right")
    }
    if let first = totals.firstOddLoss {
      Output.error(
        "elbow: \(totals.oddLosses.counted("value")) of losses or ELBOs, of line \(first) first, not what they "
          + "can be: no number, or a loss that is infinite or negative; no number speaks against a class"
      )
    }
    if totals.badLines > 0 {
      throw ElbowError(
        .damaged,
        "\(totals.badLines) of \(totals.lines.counted("line")) \(totals.badLines == 1 ? "was" : "were") "
          + "refused; the others are recorded")
    }
  }
}
