import ArgumentParser
import Experiments
import Reporting
import RunStore

/// Certified accuracy against the radius.
struct CertifiedPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certified", abstract: "Certified accuracy against the radius.",
    discussion: """
      A line for each run of a smoothed classifier, as 'elbow certify' records them; marks are \
      accuracy under attacks within l2 balls on the same smoothed classifier.

      EXAMPLE:
        elbow run --classifier cnn --model fashion-mnist-cnn --images 4
        elbow certify @last --sigma 0.25 --draws 100
        elbow plot certified @last
      """)

  @Argument(
    help: ArgumentHelp(
      "Runs with votes: ids or their beginnings, @last, names, or groups.", valueName: "run"))
  var runs: [String]
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    let ids = try store.runIDs(runs)
    let labels = RunSummary.labels(try CompareCommand.rows(ids, store))
    try options.write(
      Figure(
        certified: zip(ids, labels).map { id, label in
          let certification = try Certification(of: store.recordedRun(id), in: store)
          return Figure.Certificate(
            run: id, label: label, radii: certification.radii, attacked: certification.attacked)
        }))
  }
}
