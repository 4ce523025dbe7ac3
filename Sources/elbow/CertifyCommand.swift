import ArgumentParser
import Basics
import Experiments
import Records
import Reporting
import RunStore

/// Certifies radii around images by randomized smoothing.
struct CertifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certify",
    abstract: "Certify l2 radii by randomized smoothing, and show what share of images has them.",
    usage: """
      elbow certify <run> [--sigma <tau>] [--images <images>]
      elbow certify -c <file> --sigma <tau> [--images <images>]
      """,
    discussion: """
      The configuration of a run, or of a YAML file of 'elbow run', classifies its clean images under \
      noise: the class of most votes among --draws draws. The Clopper-Pearson bound of the share that \
      the class chosen beforehand has, at 99.9 %, makes a radius within which no change of the image \
      changes the answer; where it is below a half the classifier abstains, which counts as wrong. \
      Radii and noise are in pixel units. A run that has votes already is only read; others are \
      recorded in the group 'certify' and not made twice. Accuracy under attacks within l2 balls \
      stands beside, where the smoothed configuration itself was attacked.

      EXAMPLE:
        elbow run --classifier cnn --model fashion-mnist-cnn --images 4
        elbow certify @last --sigma 0.25 --draws 100
        elbow query certificates run=@last
      """)

  @OptionGroup var asked: AskedRequest
  @Option(help: ArgumentHelp("Standard deviation of the noise, pixel units.", valueName: "tau"))
  var sigma: String?
  @Option(help: "Draws that answer, and bound a share.") var draws = 1000
  @Option(help: "Draws that choose the class whose share is bounded.") var selection = 100
  @Option(help: ArgumentHelp("Radii of the table.", valueName: "r,r,…"))
  var radii = Certification.usualRadii
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: ArgumentHelp("Interrupt after this time, as 90s, 30m or 2h.")) var budget: String?
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  private var radiiAsked: [Double] {
    get throws {
      guard let values = Certification.radii(radii) else {
        throw ValidationError("--radii needs numbers from 0 with commas, got '\(radii)'")
      }
      return values
    }
  }

  func validate() throws { _ = try radiiAsked }

  func run() throws {
    let store = try database.record()
    defer { store.close() }
    let id: String
    if let sigma {
      let smoothing = try Smoothing("\(sigma):\(selection):\(draws)")
      let request = Certification.request(try asked.request(store), smoothing)
      let swept = SweptCells(
        cells: [SweepCell(request, [("smoothing", smoothing.spelling)])], group: "certify",
        threads: threads, budget: budget)
      id = try swept.carryOut(store).runs[0]
    } else {
      guard let run = asked.run else {
        throw ValidationError("name the noise with --sigma, as 0.25")
      }
      id = run
    }
    let run = try store.recordedRun(id)
    let certification = try Certification(of: run, in: store)
    let radii = try radiiAsked
    try format.write(
      format.format == .table ? certification.summary(at: radii) : certification.table(at: radii))
    if format.format == .table {
      Output.note(
        "run \(run.id) abstains on \(certification.abstentions) of "
          + certification.radii.count.counted("image"))
    }
  }
}
