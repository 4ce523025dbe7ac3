import Foundation

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
    guard !points.isEmpty else { return [] }
    let low = points.map(\.interval.low).min() ?? 0
    let high = points.map(\.interval.high).max() ?? 1
    // Whole steps of 5 %, at least two of them.
    let bottom = floor(low * 20) / 20
    let top = max(ceil(high * 20) / 20, bottom + 0.1)
    let logs = points.map { log10(max($0.cost, 1e-9)) }
    let (left, right) = ((logs.min() ?? 0) - 0.1, (logs.max() ?? 0) + 0.1)
    func column(_ value: Double) -> Int {
      Int(((value - left) / (right - left) * Double(width - 1)).rounded())
    }
    func row(_ accuracy: Double) -> Int {
      Int(((top - accuracy) / (top - bottom) * Double(height - 1)).rounded())
    }

    var cells = [[Character]](repeating: Array(repeating: " ", count: width), count: height)
    for (point, cost) in zip(points, logs) {
      for y in row(point.interval.high)...row(point.interval.low)
      where cells[y][column(cost)] == " " { cells[y][column(cost)] = "│" }
    }
    let front = Set(paretoFront(points.map { ($0.cost, $0.accuracy) }))
    for (index, (point, cost)) in zip(points, logs).enumerated() {
      let letter = front.contains(index) ? point.mark.uppercased() : point.mark.lowercased()
      cells[row(point.accuracy)][column(cost)] = Character(letter)
    }

    var result = cells.enumerated().map { y, line in
      let accuracy = top - (top - bottom) * Double(y) / Double(height - 1)
      let isLabelled = y % 2 == 0
      let label = isLabelled ? String(format: "%5.1f %% ┤", 100 * accuracy) : "        │"
      return label + String(line)
    }
    result.append("        └" + String(repeating: "─", count: width))
    var ticks = [Character](repeating: " ", count: width + 9)
    var free = 0
    for exponent in stride(from: left.rounded(.down), through: right, by: 1) {
      for factor in [1.0, 2, 5] {
        let value = factor * pow(10, exponent)
        let position = log10(value)
        guard position >= left, position <= right else { continue }
        let text = value >= 1 ? String(format: "%.0f", value) : String(format: "%g", value)
        let start = 9 + column(position) - text.count / 2
        guard start >= free, start + text.count <= ticks.count else { continue }
        for (offset, c) in text.enumerated() { ticks[start + offset] = c }
        free = start + text.count + 2
      }
    }
    result.append(String(ticks).trimmingTrailingSpaces)
    result.append(String(repeating: " ", count: 9) + costLabel)
    return result
  }
}

extension String {
  /// Without spaces at its end.
  var trimmingTrailingSpaces: String {
    var copy = self
    while copy.last == " " { copy.removeLast() }
    return copy
  }
}
