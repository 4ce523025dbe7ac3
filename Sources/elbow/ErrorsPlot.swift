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
      recorded. With --pair the two classes that the answer turned on, predicted and true or else the \
      best other, and their difference, at several levels: as the page of 'elbow serve' has them.

      EXAMPLE:
        elbow plot errors @last --image 3 --sigma 0.5 -o errors.png
        elbow plot errors @last --image 3 --pair
      """)

  @OptionGroup var chosen: ImageOfRun
  @Option(
    help: ArgumentHelp(
      "Noise level, for images in [-1, 1]; of a pair several, with commas between (default: 0.5; of a "
        + "pair 0.2,0.5,1.5).", valueName: "levels"))
  var sigma: String?
  @Option(help: "Noise draw, from 0.") var draw = 0
  @Flag(help: "Draw what each class has more or less than the mean over classes.")
  var contrast = false
  @Flag(help: "Draw two classes only, and their difference.") var pair = false
  @OptionGroup var options: PlotOptions

  func validate() throws {
    if pair, contrast { throw ValidationError("--pair shows the difference: leave --contrast out") }
    let given = try sigmas
    if !pair, given.count != 1 {
      throw ValidationError("--sigma takes several levels with --pair only")
    }
  }

  private var sigmas: [Double] {
    get throws {
      guard let sigma else { return pair ? DenoisingErrors.usualSigmas : [0.5] }
      guard let levels = DenoisingErrors.sigmas(sigma) else {
        throw ValidationError(
          "--sigma must be positive numbers with commas between, got '\(sigma)'")
      }
      return levels
    }
  }

  func run() throws {
    let store = try options.database.read()
    let workers = WorkerPool(threads: ProcessInfo.processInfo.activeProcessorCount)
    if pair {
      let errors = try DenoisingErrors(
        chosen.prefix, image: chosen.image, at: sigmas, draw: draw, data: chosen.moved.data,
        workers: workers, store)
      return try options.write(errors.figure)
    }
    let recorded = try RecordedImage(
      chosen.prefix, image: chosen.image, data: chosen.moved.data, workers: workers, store)
    let classifier = try recorded.denoising(draw: draw)
    let header = recorded.header
    let timestep = classifier.nearestTimestep(to: try sigmas[0])
    let maps = try classifier.errorMaps(
      of: recorded.final(store), key: recorded.key, stream: recorded.stream, timestep: timestep,
      draw: draw, classes: nil)
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
    return Figure(
      errors: maps.errors.map { Self.rows($0, height, width, +) },
      image: Self.rows(maps.image, height, width) { max($0, $1) },
      classes: header.classNames,
      description: [
        "\(DenoisingErrors.power(header)) at σ = \(TableFormat.short(Double(maps.sigma))) (timestep \(timestep), draw "
          + "\(draw)), images in [−1, 1]; \(DenoisingErrors.name(input, header))\(answer)."
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
