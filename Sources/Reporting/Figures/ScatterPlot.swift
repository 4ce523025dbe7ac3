import Foundation
import Statistics

/// Accuracy against compute in characters: a mark for each configuration, its 95 % interval as a
/// bar, and the Pareto front in capitals. The cost axis is logarithmic.
public struct ScatterPlot: Sendable {
  /// One configuration.
  public struct Point: Sendable {
    /// Mark, one letter.
    public var mark: Character
    /// Cost, > 0.
    public var cost: Double
    /// Accuracy, 0…1.
    public var accuracy: Double
    /// Its bounds.
    public var interval: WilsonInterval

    /// The point as given.
    public init(mark: Character, cost: Double, accuracy: Double, interval: WilsonInterval) {
      self.mark = mark
      self.cost = cost
      self.accuracy = accuracy
      self.interval = interval
    }
  }

  /// Points, drawn in order; later ones over earlier ones.
  public var points: [Point]
  /// Columns of the plotting area.
  public var width: Int
  /// Rows of the plotting area.
  public var height: Int
  /// Meaning of the cost axis.
  public var costLabel: String

  /// A plot of `points`.
  public init(_ points: [Point], width: Int = 60, height: Int = 15, costLabel: String) {
    precondition(width >= 20 && height >= 5, "a plot needs 20 × 5 characters")
    self.points = points
    self.width = width
    self.height = height
    self.costLabel = costLabel
  }

  /// The plot, one string a line.
  public func lines() -> [String] {
    let front = Set(paretoFront(points.map { ($0.cost, $0.accuracy) }))
    let series = points.enumerated().map { index, point in
      let letter = front.contains(index) ? point.mark.uppercased() : point.mark.lowercased()
      return Figure.Series(
        "",
        [
          .init(
            max(point.cost, 1e-9), 100 * point.accuracy, 100 * point.interval.low,
            100 * point.interval.high)
        ], style: .points, mark: Character(letter))
    }
    let panel = Figure.Panel(
      x: .init("", isLogarithmic: true), y: .init("", isPercent: true), .series(series))
    // The label says itself that the scale is logarithmic, where it is told so.
    return panel.lines(series, width: width, height: height).dropLast()
      + (points.isEmpty
        ? [] : costLabel.wrapped(to: width).map { String(repeating: " ", count: 9) + $0 })
  }
}

extension String {
  /// Without spaces at its end.
  var trimmingTrailingSpaces: String {
    let spaces = utf8.reversed().prefix { $0 == UInt8(ascii: " ") }.count
    return spaces == 0 ? self : String(decoding: utf8.dropLast(spaces), as: UTF8.self)
  }
}
