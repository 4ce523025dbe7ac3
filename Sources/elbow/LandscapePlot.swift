import ArgumentParser
import Attacks
import Basics
import Classifiers
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import TensorCore

/// The loss around an image, as an attack sees it.
struct LandscapePlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "landscape", abstract: "The margin around one image, along an attack's gradient.",
    discussion: """
      21 × 21 points from -ε to ε: along the gradient of the margin (its signs for linf) and along a \
      random direction orthogonal to it, on the defence's own noise. Where the gradient is masked the \
      margin rises no more along it than across. Runs the run's classifier on the image that it was \
      given, gradients passing as in the run's attack.

      EXAMPLE:
        elbow run --classifier cnn --model fashion-mnist-cnn --images 2 --attack fgsm
        elbow plot landscape @last --image 1 -o landscape.png
      """)

  @OptionGroup var chosen: ImageOfRun
  @Option(
    help: ArgumentHelp(
      "Largest step in pixel units (default: the run's ε, else 8/255).", valueName: "budget"))
  var epsilon: String?
  @Option(help: "linf or l2 (default: the run's, else linf).") var norm: String?
  @Option(help: "Seed of the direction across.") var seed: UInt64 = 0
  @OptionGroup var options: PlotOptions

  func validate() throws {
    if let epsilon, !((Fraction.parse(epsilon) ?? 0) > 0) {
      throw ValidationError("--epsilon needs a positive number or fraction, got '\(epsilon)'")
    }
    if let norm, AttackConfiguration.Norm(rawValue: norm)?.isBall != true {
      throw ValidationError("--norm must be linf or l2, got '\(norm)'")
    }
  }

  func run() throws {
    let store = try options.database.read()
    let workers = WorkerPool(threads: ProcessInfo.processInfo.activeProcessorCount)
    let recorded = try RecordedImage(
      chosen.prefix, image: chosen.image, data: chosen.moved.data, workers: workers, store)
    let attack = recorded.header.attack.flatMap { $0.norm.isBall ? $0 : nil }
    let norm = norm.flatMap(AttackConfiguration.Norm.init) ?? attack?.norm ?? .linf
    let usual = attack.flatMap { $0.norm == norm ? $0.epsilon : nil } ?? norm.usualEpsilon
    let epsilon = epsilon.flatMap(Fraction.parse) ?? usual
    var random = NoiseKey(
      NoiseStream(seed: seed, owner: .attack(step: 0, eot: 0)), .start, recorded.key
    ).random()
    let landscape = try LossLandscape(
      of: recorded.plan.classifier, around: recorded.given(store), label: recorded.input.label,
      key: recorded.key, stream: recorded.stream, norm: norm, epsilon: epsilon, random: &random,
      workers: workers)
    let (header, input) = (recorded.header, recorded.input)
    try options.write(
      Figure(
        landscape: landscape.margins,
        budget: "\(RunSummary.epsilon(epsilon)) \(norm.rawValue)",
        description: [
          "Image \(input.index) of \(input.dataset) \(input.split), \(header.classNames[input.label]); "
            + "classifier \(header.configuration.classifier.rawValue), gradient "
            + "\((header.attack?.gradient ?? .bpda).rawValue), the defence's noise."
        ], run: header.id))
  }
}
