import Foundation

/// Points in two measures, each to be small (a cost) or large (an accuracy, a share in 0…1).
public struct TradeOff: Sendable {
  /// A measure.
  public struct Axis: Sendable {
    /// Whether more is better.
    public var isAccuracy: Bool
    /// One value a point; costs ≥ 0, accuracies 0…1.
    public var values: [Double]

    /// The axis as given.
    public init(isAccuracy: Bool, values: [Double]) {
      self.isAccuracy = isAccuracy
      self.values = values
    }

    /// How bad a value is.
    fileprivate func badness(_ i: Int) -> Double { isAccuracy ? -values[i] : values[i] }
  }

  /// The two measures.
  public let x, y: Axis
  /// The points that no other beats, from the best in `x` to the best in `y`.
  public let front: [Int]

  /// The trade-off between two measures of the same points.
  public init(_ x: Axis, _ y: Axis) {
    precondition(
      x.values.count == y.values.count, "\(x.values.count) and \(y.values.count) values")
    (self.x, self.y) = (x, y)
    front = paretoFront(x.values.indices.map { (x.badness($0), -y.badness($0)) })
  }

  /// The front's point with the best `y` among those no worse in `x` than a point; nil on the front.
  public func champion(over point: Int) -> Int? {
    guard !front.contains(point) else { return nil }
    return front.last { x.badness($0) <= x.badness(point) }
  }

  /// Where the front bends most: the largest lead of the gain over the price, both in shares of
  /// their ranges on the front, a cost's range being logarithmic. nil for fewer than three points.
  ///
  /// **Source** Satopää et al. 2011, *Finding a "Kneedle" in a Haystack*.
  public var knee: Int? {
    guard front.count >= 3 else { return nil }
    func shares(_ axis: Axis) -> [Double] {
      let values = front.map { i in
        axis.isAccuracy ? -axis.values[i] : log(max(axis.values[i], 1e-9))
      }
      let (low, high) = (values.min() ?? 0, values.max() ?? 0)
      return values.map { high > low ? ($0 - low) / (high - low) : 0 }
    }
    let leads = zip(shares(x), shares(y)).map { 2 - $0 - $1 }
    return zip(front, leads).max { $0.1 < $1.1 }?.0
  }

  /// The share of the unit square that the points dominate, an accuracy counting as it is and a cost
  /// as 1 − cost/reference: for accuracy against cost, the mean of the best accuracy that a budget
  /// buys, over all budgets from 0 to the reference.
  ///
  /// - Parameters:
  ///   - xReference: largest cost of `x`; costs beyond it count for nothing. Ignored for accuracies.
  ///   - yReference: the same of `y`.
  public func hypervolume(xReference: Double, yReference: Double) -> Double {
    func goodness(_ axis: Axis, _ i: Int, _ reference: Double) -> Double {
      axis.isAccuracy ? axis.values[i] : reference > 0 ? 1 - axis.values[i] / reference : 0
    }
    var (volume, reached) = (0.0, 0.0)
    // From the best in x on, each point adds what it has more in y.
    for i in front {
      let (a, b) = (max(goodness(x, i, xReference), 0), max(goodness(y, i, yReference), 0))
      volume += a * max(b - reached, 0)
      reached = max(reached, b)
    }
    return volume
  }
}

/// 95 % interval of the second of two independent proportions less the first.
///
/// **Source** Newcombe 1998, Statistics in Medicine 17:873, method 10.
public func differenceInterval(
  _ first: (successes: Int, n: Int), _ second: (successes: Int, n: Int)
) -> ClosedRange<Double> {
  let (a, b) = (
    WilsonInterval(successes: first.successes, of: first.n),
    WilsonInterval(successes: second.successes, of: second.n)
  )
  let p = Double(first.successes) / Double(first.n)
  let q = Double(second.successes) / Double(second.n)
  let down = ((q - b.low) * (q - b.low) + (a.high - p) * (a.high - p)).squareRoot()
  let up = ((b.high - q) * (b.high - q) + (p - a.low) * (p - a.low)).squareRoot()
  return (q - p - down)...(q - p + up)
}
