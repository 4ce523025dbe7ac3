import ArgumentParser
import Basics
import Classifiers
import Evaluation
import Experiments
import Foundation
import Queries
import Records
import Reporting
import RunStore
import Statistics
import TensorCore

/// Where in an image a denoiser errs, for every class.
struct ErrorsPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "errors", abstract: "Denoising errors of one image, by pixel and class.",
    discussion: """
      |D(x + σε; σ, y) − x|² for every class y, at the noise level of the run's grid that is nearest to \
      --sigma. Runs the network on the image as it was classified, adversarial ones included, with \
      the run's own model, configuration and noise: the sum over pixels is the loss that the run \
      recorded.

      EXAMPLE:
        elbow plot errors @last --image 3 --sigma 0.5 -o errors.png
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @Option(help: ArgumentHelp("Index of the image in its split.", valueName: "index"))
  var image: Int
  @Option(help: "Noise level, for images in [-1, 1].") var sigma = 0.5
  @Option(help: "Noise draw, from 0.") var draw = 0
  @Flag(help: "Draw what each class has more or less than the mean over classes.")
  var contrast = false
  @OptionGroup var options: PlotOptions

  func validate() throws {
    if !(sigma > 0) { throw ValidationError("--sigma must be positive, got \(sigma)") }
  }

  func run() throws {
    let store = try options.database.read()
    let recorded = try RecordedImage(
      prefix, image: image,
      workers: WorkerPool(threads: ProcessInfo.processInfo.activeProcessorCount), store)
    let header = recorded.header
    guard let classifier = recorded.plan.classifier as? any DenoisingClassifier else {
      throw ElbowError(
        .malformed,
        "run \(header.id) is of \(header.configuration.classifier.rawValue), which denoises nothing; "
          + "name a diffusion classifier's")
    }
    guard (0..<header.configuration.draws).contains(draw) else {
      throw ElbowError(
        .malformed,
        "--draw must be 0 to \(header.configuration.draws - 1), the draws of run \(header.id); got "
          + "\(draw)")
    }
    let timestep = classifier.nearestTimestep(to: sigma)
    let maps = try classifier.errorMaps(
      of: recorded.final(store), key: recorded.key, stream: recorded.stream, timestep: timestep,
      draw: draw)
    let predicted = try store.query(
      .predictions(of: header.id), where: .equal("position", recorded.position),
      columns: ["predicted"])
    try options.write(
      figure(
        maps, header, recorded.input, timestep,
        predicted.rows.first?[0].number.map { Int(nearest: $0) }))
  }

  private func figure(
    _ maps: ErrorMaps, _ header: RunHeader, _ input: InputRecord, _ timestep: Int,
    _ predicted: Int?
  ) -> Figure {
    let (height, width) = (header.imageShape[1], header.imageShape[2])
    let answer =
      predicted.flatMap { header.classNames.indices.contains($0) ? header.classNames[$0] : nil }
      .map { ", predicted \($0)" } ?? ""
    let power =
      header.configuration.loss == .squared ? "|D(x + σε; σ, y) − x|²" : "|D(x + σε; σ, y) − x|"
    return Figure(
      errors: maps.errors.map { Self.rows($0, height, width, +) },
      image: Self.rows(maps.image, height, width) { max($0, $1) },
      classes: header.classNames,
      description: [
        "\(power) at σ = \(TableFormat.short(Double(maps.sigma))) (timestep \(timestep), draw "
          + "\(draw)), images in [−1, 1]; image \(input.index) of \(input.dataset) \(input.split), "
          + "\(header.classNames[input.label])\(answer)."
      ], isContrast: contrast, run: header.id)
  }

  /// Channels put together, `[H][W]`.
  private static func rows(
    _ planar: [Float], _ height: Int, _ width: Int, _ join: (Double, Double) -> Double
  ) -> [[Double]] {
    (0..<height).map { y in
      (0..<width).map { x in
        stride(from: y * width + x, to: planar.count, by: height * width)
          .map { Double(planar[$0]) }.reduce(0, join)
      }
    }
  }
}

extension DenoisingClassifier {
  /// The timestep whose noise level is next to σ.
  fileprivate func nearestTimestep(to sigma: Double) -> Int {
    sigmas.indices.min { abs(Double(sigmas[$0]) - sigma) < abs(Double(sigmas[$1]) - sigma) } ?? 0
  }
}
