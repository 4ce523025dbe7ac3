import Basics
import Classifiers
import Evaluation
import Records
import RunStore
import TensorCore

/// Where in an image a run's denoiser errs, for the two classes that the answer turned on: the one that
/// the run gave and the true one, or, where these are one, the best other.
///
/// Made with the run's own model, configuration and noise, each pixel's errors summed over channels, so
/// that the sum over pixels is the loss that the run recorded.
package struct DenoisingErrors: Sendable {
  /// One noise level.
  package struct Level: Sendable {
    /// Index into the run's noise grid.
    package let timestep: Int
    /// Noise level σ, [−1, 1] units.
    package let sigma: Double
    /// |D(x + σε; σ, y) − x|², or without the square where the run's loss is absolute, of either class.
    /// **Shape** `[H·W]`.
    package let first, second: [Float]

    /// What the first class has more; below 0: less.
    package var difference: [Float] { zip(first, second).map(-) }
  }

  /// The run.
  package let header: RunHeader
  /// The image.
  package let input: InputRecord
  /// The class that the run answered, and the one beside it.
  package let classes: (first: Int, second: Int)
  /// By rising noise; levels of the run's grid next to those asked for, each once.
  package private(set) var levels: [Level]

  /// Noise levels where nothing else is said.
  package static let usualSigmas = [0.2, 0.5, 1.5]
  /// Most noise levels: each takes two evaluations of the network.
  package static let mostLevels = 6

  /// Noise levels of a text with commas between; nil: not all of them are positive numbers.
  package static func sigmas(_ text: String) -> [Double]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let levels = parts.compactMap { Double($0) }.filter { $0 > 0 && $0.isFinite }
    return levels.count == parts.count ? levels : nil
  }

  /// Runs the network on the image as the run finally classified it.
  ///
  /// - Parameters:
  ///   - prefix: names the run.
  ///   - image: index in the split.
  ///   - sigmas: noise levels, [−1, 1] units.
  ///   - draw: noise draw, from 0.
  ///   - data: folder of the dataset's files; nil: where it was.
  ///   - workers: whose threads do it.
  ///   - store: where the run is recorded.
  /// - Throws: `ElbowError` where the run has no such image or draw, denoises nothing, was computed by
  ///   an engine, or is of files that have changed since; nothing is computed then.
  package init(
    _ prefix: String, image: Int, at sigmas: [Double], draw: Int = 0, data: String? = nil,
    workers: WorkerPool, _ store: RunStore
  ) throws {
    guard (1...Self.mostLevels).contains(sigmas.count) else {
      throw ElbowError(
        .malformed, "error maps are of 1 to \(Self.mostLevels) noise levels, not \(sigmas.count)")
    }
    let recorded = try RecordedImage(prefix, image: image, data: data, workers: workers, store)
    let classifier = try recorded.denoising(draw: draw)
    (header, input) = (recorded.header, recorded.input)
    let classes = try Self.classes(recorded, store)
    self.classes = classes
    let pixels = try recorded.final(store)
    let count = recorded.plan.dataset.shape.height * recorded.plan.dataset.shape.width
    levels = try Set(sigmas.map(classifier.nearestTimestep)).sorted().map { timestep in
      let maps = try classifier.errorMaps(
        of: pixels, key: recorded.key, stream: recorded.stream, timestep: timestep, draw: draw,
        classes: [classes.first, classes.second])
      let sums = maps.errors.map { planar in
        (0..<count).map { pixel in
          stride(from: pixel, to: planar.count, by: count).reduce(0) { $0 + planar[$1] }
        }
      }
      return Level(
        timestep: timestep, sigma: Double(maps.sigma), first: sums[0], second: sums[1])
    }
  }

  /// The same at one of its levels alone.
  package func at(_ level: Level) -> DenoisingErrors {
    var one = self
    one.levels = [level]
    return one
  }

  /// One row a noise level and class.
  package var table: ResultTable {
    ResultTable(
      columns: ["timestep", "sigma", "class", "class_name", "role", "error"],
      rows: levels.flatMap { level in
        [(classes.first, level.first), (classes.second, level.second)].enumerated().map {
          order, item in
          let (label, errors) = item
          return [
            .integer(Int64(level.timestep)), .real(level.sigma), .integer(Int64(label)),
            .text(header.classNames[label]), .text(roles[order]),
            .real(errors.reduce(0) { $0 + Double($1) }),
          ]
        }
      })
  }

  /// What either class is to the image.
  package var roles: [String] {
    [
      classes.first == input.label ? "predicted, true" : "predicted",
      classes.second == input.label ? "true" : "best other",
    ]
  }

  private static func classes(
    _ recorded: RecordedImage, _ store: RunStore
  ) throws -> (first: Int, second: Int) {
    let label = recorded.input.label
    let place = RowFilter.equal("position", recorded.position)
    let answer = try store.query(
      .predictions(of: recorded.header.id), where: place, columns: ["predicted"])
    guard let predicted = answer.rows.first?[0].number.map({ Int(nearest: $0) }) else {
      throw ElbowError(
        .unknownName,
        "run \(recorded.header.id) has not classified image \(recorded.input.index) yet")
    }
    let known = 0..<recorded.plan.dataset.classNames.count
    guard known.contains(predicted) else {
      throw ElbowError(.damaged, "run \(recorded.header.id) answers a class that there is not")
    }
    guard predicted == label else { return (predicted, label) }
    let elbos = try store.query(
      .classELBOs(of: recorded.header.id), where: place, columns: ["class", "elbo"],
      order: ["-elbo"])
    // Of classes that were eliminated there is none.
    let others = elbos.rows.filter { $0[1] != .null }.compactMap { $0[0].number }
    let other = others.map { Int(nearest: $0) }.first { $0 != label && known.contains($0) }
    return (label, other ?? (label == 0 ? 1 : 0))
  }
}

extension RecordedImage {
  /// The run's classifier, which denoises.
  ///
  /// - Throws: `ElbowError` where it does not, or draws no such noise.
  package func denoising(draw: Int) throws -> any DenoisingClassifier {
    guard let classifier = plan.classifier as? any DenoisingClassifier else {
      let (kind, smoothing) = (header.configuration.classifier, header.configuration.smoothing)
      throw ElbowError(
        .malformed,
        "run \(header.id) is of \(kind.rawValue), which "
          + (smoothing == nil ? "denoises nothing" : "is smoothed: votes of many noisy images")
          + "; name a diffusion classifier's")
    }
    guard (0..<header.configuration.draws).contains(draw) else {
      throw ElbowError(
        .malformed,
        "`draw` must be 0 to \(header.configuration.draws - 1), the draws of run \(header.id); got "
          + "\(draw)")
    }
    return classifier
  }
}
