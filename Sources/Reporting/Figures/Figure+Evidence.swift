import Basics
import Records
import Statistics

extension Figure {
  /// What each noise level adds to the ELBO of the true class and of the best other one, mean over
  /// images, and their difference with its 95 % interval (Student's t).
  ///
  /// - Parameters:
  ///   - rows: of the query `evidence`, at least one.
  ///   - run: full id of the run.
  public init(evidence rows: ResultTable, run: String) {
    func series(_ name: String, _ column: String, _ color: Int, _ mark: Character) -> Series {
      Series(
        name,
        rows.rows.indices.compactMap { row in
          guard let x = rows[row, .sigma], let y = rows[row, column].number else {
            return nil
          }
          guard column == "difference", let square = rows[row, .square] else {
            return Point(x, y)
          }
          let reach = Self.reach(mean: y, square: square, n: rows.count(row, "n"))
          return Point(x, y, reach.map { y - $0 }, reach.map { y + $0 })
        }, style: .line, mark: mark, color: color)
    }
    let axis = Self.noiseAxis(rows)
    let total = rows.rows.indices.reduce(0) { $0 + (rows[$1, .difference] ?? 0) }
    let n = rows.rows.indices.map { rows.count($0, "n") }
    self.init(
      "Evidence by noise level, \(RunSummary.images(n))",
      panels: [
        Panel(
          "Contribution to the ELBO, mean over images", x: axis, y: Axis("ELBO contribution"),
          .series([
            series("true class", "true_class", 0, "t"),
            series("best other class", "best_other", 1, "o"),
          ])),
        Panel(
          "True class less best other, with 95 % interval", x: axis,
          y: Axis("difference in ELBO"),
          .series([series("difference", "difference", 2, "d")])),
      ],
      caption: [
        "The best other class is the wrong one of the highest ELBO, image by image. The differences "
          + "sum to \(short(total)), the mean margin of the true class.",
        Self.describe(runs: [run]),
      ], sources: [run])
  }

  /// What each noise level adds to the ELBO of every class less that of the true class, for one
  /// image.
  ///
  /// - Parameters:
  ///   - rows: of the query `evidence-image`, at least one.
  ///   - classes: names of the classes.
  ///   - image: index of the image.
  ///   - run: full id of the run.
  public init(evidenceOfImage rows: ResultTable, classes: [String], image: Int, run: String) {
    let label = rows.count(0, "label")
    let predicted = rows.count(0, "predicted")
    var values: [Int: [Int: Double]] = [:]
    for row in rows.rows.indices {
      values[rows.count(row, "timestep"), default: [:]][rows.count(row, "class")] =
        rows[row, .elbo]
    }
    let timesteps = Dictionary(
      rows.rows.indices.map { (rows.count($0, "timestep"), rows[$0, .sigma] ?? 0) },
      uniquingKeysWith: { a, _ in a }
    ).sorted { $0.key < $1.key }
    func total(_ one: Int) -> Double {
      timesteps.reduce(0) { $0 + (values[$1.key]?[one] ?? 0) - (values[$1.key]?[label] ?? 0) }
    }
    let others = classes.indices.filter { $0 != label }.sorted { (total($1), $0) < (total($0), $1) }
    func series(isSum: Bool) -> [Series] {
      others.enumerated().map { index, one in
        var sum = 0.0
        let points = timesteps.compactMap { timestep, sigma -> Point? in
          guard let own = values[timestep]?[label], let other = values[timestep]?[one] else {
            return nil
          }
          sum += other - own
          return Point(sigma, isSum ? sum : other - own)
        }
        return Series(
          "\(classes[one])\(isSum ? ", in all \(short(total(one)))" : "")", points, style: .line,
          color: index)
      }
    }
    let axis = Self.noiseAxis(rows)
    self.init(
      "Evidence by noise level and class, image \(image) (\(classes[label]))",
      panels: [
        Panel(
          "Contribution of each noise level", x: axis, y: Axis("ELBO less the true class's"),
          .series(series(isSum: false))),
        Panel(
          "Sum of the noise levels up to σ", x: axis, y: Axis("ELBO less the true class's"),
          .series(series(isSum: true))),
      ],
      caption: [
        "Below 0 a noise level, and at the right end the whole ELBO, speaks for the true class, "
          + "\(classes[label]); predicted was \(classes[predicted]).",
        Self.describe(runs: [run]),
      ], sources: [run])
  }

  /// Half the width of the 95 % interval of a mean of n values, from their mean square; nil below 2.
  private static func reach(mean: Double, square: Double, n: Int) -> Double? {
    guard n > 1 else { return nil }
    let variance = max(square - mean * mean, 0) * Double(n) / Double(n - 1)
    return StudentT.reach(freedom: n - 1) * (variance / Double(n)).squareRoot()
  }

  /// Noise levels, logarithmic where the grid's are.
  private static func noiseAxis(_ rows: ResultTable) -> Axis {
    let sigmas = Set(rows.rows.indices.compactMap { rows[$0, .sigma] }).sorted()
    guard let low = sigmas.first, let high = sigmas.last else { return Axis("noise level σ") }
    let middle = sigmas[sigmas.count / 2]
    // Half of an even grid's noise levels lie in the lower half.
    return Axis(
      "noise level σ (of images in [−1, 1])",
      isLogarithmic: sigmas.count > 2 && middle < low + (high - low) / 4)
  }
}

/// A number to four significant digits.
private func short(_ value: Double) -> String { TableFormat.short((value * 1e4).rounded() / 1e4) }
