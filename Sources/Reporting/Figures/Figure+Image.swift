import Basics
import Records

extension Figure {
  /// An image of a run: pictures as pixels, signals as curves in their own unit.
  ///
  /// - Parameters:
  ///   - clean: as its dataset has it, `[channel][y][x]`, 0…1.
  ///   - final: as the run classified it, where an attack has changed it.
  ///   - limits: what 0 and 1 stand for; nil: themselves.
  ///   - title: what image it is.
  ///   - run: full id of the run.
  public init(
    image clean: [[[Double]]], final: [[[Double]]]?, limits: ValueLimits?, title: String,
    run: String
  ) {
    let isSignal = clean.allSatisfy { $0.count == 1 }
    let versions = [("clean", clean)] + (final.map { [("as it was classified", $0)] } ?? [])
    let panels =
      isSignal
      ? clean.indices.map { channel in
        Panel(
          clean.count > 1 ? "channel \(channel)" : "", x: Axis("point"), y: Axis("value"),
          .series(
            versions.enumerated().map { color, version in
              Self.curve(
                version.0,
                version.1[channel][0].map { value in
                  limits.map { $0.low + value * $0.span } ?? value
                }, color: color)
            }))
      }
      : versions.map { name, values in
        Panel(
          name, x: Axis(""), y: Axis(""),
          .matrix(Matrix(Self.mean(values), range: 0...1, colors: .grey)))
      }
    self.init(
      "I" + title.dropFirst(), panels: panels, columns: isSignal ? 1 : 2,
      caption: (isSignal ? limits.map { ["Values " + $0.text() + "."] } ?? [] : [])
        + [Self.describe(runs: [run])], sources: [run])
  }

  /// Mean over channels, `[y][x]`.
  private static func mean(_ values: [[[Double]]]) -> [[Double]] {
    values[0].indices.map { y in
      values[0][y].indices.map { x in
        values.reduce(0) { $0 + $1[y][x] } / Double(values.count)
      }
    }
  }

  /// The values of a row, from left to right.
  static func curve(_ name: String, _ values: [Double], color: Int) -> Series {
    Series(
      name, values.enumerated().map { Point(Double($0), $1) }, style: .line, color: color)
  }
}
