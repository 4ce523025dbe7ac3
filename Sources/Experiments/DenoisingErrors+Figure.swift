import Records
import Reporting
import RunStore

extension DenoisingErrors {
  /// The errors drawn, pixel by pixel, or of signals point by point.
  package var figure: Figure {
    let (height, width) = (header.imageShape[1], header.imageShape[2])
    func rows(_ values: [Float]) -> [[Double]] {
      (0..<height).map { y in (0..<width).map { Double(values[y * width + $0]) } }
    }
    return Figure(
      errorPairs: levels.map {
        (sigma: $0.sigma, first: rows($0.first), second: rows($0.second))
      },
      classes: zip([classes.first, classes.second], roles).map {
        "\(header.classNames[$0]) (\($1))"
      },
      description: [Self.power(header) + ", " + Self.name(input, header) + "."], run: header.id)
  }

  /// What is summed into a run's losses, as a formula.
  package static func power(_ header: RunHeader) -> String {
    header.configuration.loss == .squared ? "|D(x + σε; σ, y) − x|²" : "|D(x + σε; σ, y) − x|"
  }

  /// An image, by its place and class.
  package static func name(_ input: InputRecord, _ header: RunHeader) -> String {
    "image \(input.index) of \(input.dataset) \(input.split), \(header.classNames[input.label])"
  }
}

extension Figure {
  /// An image of a run, clean and as the run classified it.
  ///
  /// - Parameters:
  ///   - values: its values.
  ///   - run: full id of the run.
  ///   - store: where it is recorded.
  /// - Throws: `ElbowError` where the image is no longer what it was.
  package init(image values: RecordedPixels, run: String, _ store: RunStore) throws {
    let header = try store.recordedHeader(run)
    self.init(
      image: values.rows(try values.clean()),
      final: try values.isChanged(store) ? values.rows(try values.final(store)) : nil,
      limits: values.limits, title: DenoisingErrors.name(values.input, header), run: run)
  }
}
