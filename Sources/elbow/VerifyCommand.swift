import ArgumentParser
import Basics
import Experiments
import Foundation
import Records
import Reporting
import RunStore

/// Checks that what is recorded is what was recorded, and follows from the rest of it.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that what is recorded is what was recorded, and follows from the rest.",
    discussion: """
      Rows are held against the checksums that were written with them, to the bit: predictions, \
      ELBOs, losses, pixels, labels, what was asked, code and machine. Beside that all that can be is \
      computed again: accuracies and intervals from predictions, predictions from ELBOs, ELBOs from \
      losses and weights, an attack's distances and budget from pixels, hashes of pixels, \
      configurations and questions, totals from rows. Without runs the file itself is checked too: \
      its pages, and references between rows.

      One row a finding; exits 1 where there is one. Checksums show accidents, not forgery. Names, \
      groups, notes, tags and metrics may change, and stand outside of them.

      EXAMPLE:
        elbow verify
        elbow verify @last --format json
      """)

  @Argument(help: ArgumentHelp("Runs to check (default: all, and the file).", valueName: "runs"))
  var runs: [String] = []
  @OptionGroup var selection: RunSelection
  @OptionGroup var moved: MovedData
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    try RunCommand.check(threads: threads, batch: nil)
    let store = try database.read()
    let isPart = !runs.isEmpty || !selection.isEmpty
    let ids = isPart ? try selection.runs(runs, in: store) : nil
    let session = Session(threads: threads, watch: Output.watch, arguments: Output.arguments)
    let interruption = Interruption(session.workers, budget: nil)
    defer { withExtendedLifetime(interruption) {} }
    let result: Verification
    do {
      result = try Verification(of: ids, in: store, session: session, data: moved.data)
    } catch is CancellationError { throw ExitCode(130) }
    if !result.findings.isEmpty || format.format != .table {
      try format.write(result.findings.table, keepsAll: true)
    }
    report(result)
    if !result.findings.isEmpty { throw ExitCode(1) }
  }

  private func report(_ result: Verification) {
    if Output.isQuiet { return }
    result.remarks.forEach(Output.watch.note)
    if let first = result.uncovered.first {
      let rest = result.uncovered.count > 1 ? " and \(result.uncovered.count - 1) more" : ""
      Output.watch.note(
        "run \(first)\(rest): begun before there were checksums; only what follows from other rows "
          + "was checked")
    }
    let found = result.findings.count
    Output.watch.note(
      "\(result.runs.counted("run")), \(result.predictions.counted("prediction")), \(result.losses.counted("loss")): "
        + (found == 0 ? "nothing is wrong" : found.counted("finding")))
  }
}

extension [Finding] {
  /// One row a finding.
  var table: ResultTable {
    func integer(_ value: Int?) -> Cell { value.map { .integer(Int64($0)) } ?? .null }
    return ResultTable(
      columns: ["run", "position", "image", "what", "stored", "recomputed"],
      rows: map {
        [
          $0.run.map { .text($0) } ?? .null, integer($0.position), integer($0.image),
          .text($0.what), .text($0.stored), .text($0.recomputed),
        ]
      })
  }
}
