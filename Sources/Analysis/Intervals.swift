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

/// Two classifiers on the same images: how often each was right.
public struct PairedCounts: Hashable, Sendable {
  /// Right in both.
  public var both: Int
  /// Right in the first only.
  public var b: Int
  /// Right in the second only.
  public var c: Int
  /// Right in neither.
  public var neither: Int

  /// The counts as given.
  public init(both: Int, b: Int, c: Int, neither: Int) {
    (self.both, self.b, self.c, self.neither) = (both, b, c, neither)
  }

  /// Number of images.
  public var n: Int { both + b + c + neither }
  /// Accuracy of the second minus that of the first; 0 without images.
  public var delta: Double { n == 0 ? 0 : Double(c - b) / Double(n) }

  /// Two-sided p of McNemar's exact test: under equal accuracy b ~ Binomial(b + c, ½).
  ///
  /// **Source** McNemar 1947, Psychometrika 12:153.
  public var pValue: Double {
    let total = b + c
    guard total > 0 else { return 1 }
    let half = Double(total) * log(2.0)
    let tail = (0...min(b, c)).reduce(0.0) { sum, k in
      sum
        + exp(
          lgamma(Double(total + 1)) - lgamma(Double(k + 1)) - lgamma(Double(total - k + 1)) - half)
    }
    return min(1, 2 * tail)
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
