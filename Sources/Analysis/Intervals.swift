import Foundation

/// A 95 % confidence interval of a proportion.
public struct WilsonInterval: Hashable, Sendable {
  /// Lower bound, ≥ 0.
  public let low: Double
  /// Upper bound, ≤ 1.
  public let high: Double

  /// The square of the normal distribution's 97.5 % quantile.
  private static let zz = 3.841_458_820_694_123_6

  /// Wilson's score interval.
  ///
  /// - Parameters:
  ///   - successes: between 0 and `n`.
  ///   - n: at least 1.
  ///
  /// **Source** Wilson 1927, JASA 22:209.
  public init(successes: Int, of n: Int) {
    precondition(n >= 1 && (0...n).contains(successes), "\(successes) successes of \(n)")
    let (count, p) = (Double(n), Double(successes) / Double(n))
    let zz = Self.zz
    let scale = 1 + zz / count
    let centre = (p + zz / (2 * count)) / scale
    let reach = (zz * (p * (1 - p) / count + zz / (4 * count * count))).squareRoot() / scale
    low = max(centre - reach, 0)
    high = min(centre + reach, 1)
  }
}

/// Indices of the points that no other beats: none has at most their cost and at least their value
/// with one of the two better. In order of cost.
public func paretoFront(_ points: [(cost: Double, value: Double)]) -> [Int] {
  points.indices.filter { i in
    !points.contains { other in
      other.cost <= points[i].cost && other.value >= points[i].value
        && (other.cost < points[i].cost || other.value > points[i].value)
    }
  }
  .sorted { (points[$0].cost, $0) < (points[$1].cost, $1) }
}
