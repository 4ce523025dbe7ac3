import Basics
import Foundation
import Records

extension Figure {
  /// How often images of one class were taken for another.
  ///
  /// - Parameters:
  ///   - cells: rows of the query `confusion`.
  ///   - classes: names of the classes.
  ///   - run: full id of the run.
  public init(confusion cells: ResultTable, classes: [String], run: String) {
    var counts = [[Double?]](
      repeating: Array(repeating: nil, count: classes.count), count: classes.count)
    for row in cells.rows.indices {
      let (label, predicted) = (cells.count(row, "label"), cells.count(row, "predicted"))
      // A damaged file may name classes that there are not.
      guard counts.indices.contains(label), counts.indices.contains(predicted) else { continue }
      counts[label][predicted] = cells[row, .n]
    }
    let n = cells.rows.indices.reduce(0) { $0 + cells.count($1, "n") }
    let right = classes.indices.reduce(0) { $0 + Int(nearest: counts[$1][$1] ?? 0) }
    self.init(
      "Confusion, n = \(n.counted("image"))",
      panels: [
        Panel(
          x: Axis("predicted class"), y: Axis("true class"),
          .matrix(Matrix(counts, rows: classes, columns: classes, colors: .count)))
      ],
      caption: [
        n == 0
          ? "No images."
          : "Right: \(right) of \(n), \(RunSummary.interval(right, of: n)) % (95 %, Wilson).",
        Self.describe(runs: [run]),
      ], sources: [run])
  }

  /// Denoising errors of one image, pixel by pixel, for every class.
  ///
  /// - Parameters:
  ///   - errors: `[class][y][x]`.
  ///   - image: the image that was denoised, `[y][x]`, 0…1.
  ///   - classes: names of the classes.
  ///   - description: what is shown: image, noise level, unit.
  ///   - isContrast: whether to show what each class has more or less than the mean over classes.
  ///   - run: full id of the run.
  public init(
    errors: [[[Double]]], image: [[Double]], classes: [String], description: [String],
    isContrast: Bool = false, run: String
  ) {
    precondition(errors.count == classes.count, "\(errors.count) maps, \(classes.count) classes")
    let sums = errors.map { $0.joined().reduce(0, +) }
    let maps = isContrast ? Self.lessMean(errors) : errors
    let isSignal = image.count == 1
    let largest = maps.joined().joined().filter(\.isFinite).map(\.magnitude).max() ?? 0
    let bound = largest > 0 ? largest : 1
    let names = classes.indices.map {
      "\(classes[$0]) \(String(format: "%.2f", sums[$0]))"
    }
    let panels =
      isSignal
      ? [
        Panel(
          "", x: Axis("point"), y: Axis("error"),
          .series(classes.indices.map { Self.curve(names[$0], maps[$0][0], color: $0) }))
      ]
      : classes.indices.map { index in
        Panel(
          names[index], x: Axis(""), y: Axis(""),
          .matrix(
            Matrix(
              maps[index], range: (isContrast ? -bound : 0)...bound,
              colors: isContrast ? .difference : .amount)))
      }
    let picture =
      isSignal
      ? Panel(
        "image", x: Axis("point"), y: Axis("value"),
        .series([Self.curve("", image[0], color: 0)]))
      : Panel(
        "image", x: Axis(""), y: Axis(""), .matrix(Matrix(image, range: 0...1, colors: .grey)))
    self.init(
      isContrast
        ? "Denoising error less the mean over classes" : "Denoising error by pixel and class",
      panels: [picture] + panels, columns: isSignal ? 1 : min(panels.count + 1, 4),
      caption: description + [
        "Beside each class its error summed over pixels: the smaller, the more likely the class.",
        "One scale for all\(isContrast ? "; below 0: less than the mean over classes" : "").",
        Self.describe(runs: [run]),
      ], sources: [run])
  }

  /// Denoising errors of one image for two classes and their difference, a row a noise level.
  ///
  /// - Parameters:
  ///   - errorPairs: by noise level, each class's errors `[y][x]`.
  ///   - classes: names of the two.
  ///   - description: what is shown: image, unit.
  ///   - run: full id of the run.
  public init(
    errorPairs: [(sigma: Double, first: [[Double]], second: [[Double]])], classes: [String],
    description: [String], run: String
  ) {
    precondition(classes.count == 2, "\(classes.count) classes of a pair")
    func panel(_ name: String, _ values: [[Double]], _ range: ClosedRange<Double>) -> Panel {
      Panel(
        name, x: Axis(""), y: Axis(""),
        .matrix(
          Matrix(
            values, range: range, colors: range.lowerBound < 0 ? .difference : .amount)))
    }
    func largest(_ values: [[Double]]) -> Double {
      let most = values.joined().filter(\.isFinite).map(\.magnitude).max() ?? 0
      return most > 0 ? most : 1
    }
    func sum(_ values: [[Double]]) -> String {
      String(format: "%.2f", values.joined().reduce(0, +))
    }
    let isSignal = errorPairs.allSatisfy { $0.first.count == 1 }
    let panels = errorPairs.flatMap { sigma, first, second in
      let difference = zip(first, second).map { zip($0, $1).map(-) }
      let (most, reach) = (max(largest(first), largest(second)), largest(difference))
      let level = "σ = \(TableFormat.short(sigma))"
      if isSignal {
        return [
          Panel(
            level, x: Axis("point"), y: Axis("error"),
            .series([
              Self.curve("\(classes[0]) \(sum(first))", first[0], color: 0),
              Self.curve("\(classes[1]) \(sum(second))", second[0], color: 1),
              Self.curve("first − second \(sum(difference))", difference[0], color: 2),
            ]))
        ]
      }
      return [
        panel("\(level), \(classes[0]) \(sum(first))", first, 0...most),
        panel("\(level), \(classes[1]) \(sum(second))", second, 0...most),
        panel("\(level), first − second \(sum(difference))", difference, -reach...reach),
      ]
    }
    self.init(
      "Denoising error by \(isSignal ? "point" : "pixel"), two classes", panels: panels,
      columns: isSignal ? 1 : 3,
      caption: description + [
        "Beside each its sum over pixels: the smaller, the more likely the class.",
        "One scale for both classes of a level.", Self.describe(runs: [run]),
      ], sources: [run])
  }

  /// What each map has more than the mean of all.
  private static func lessMean(_ maps: [[[Double]]]) -> [[[Double]]] {
    maps.map { map in
      map.indices.map { y in
        map[y].indices.map { x in
          map[y][x] - maps.reduce(0) { $0 + $1[y][x] } / Double(maps.count)
        }
      }
    }
  }
}
