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
  /// **Edge cases** 0…1, which says nothing, for counts that cannot be: fewer than 0 or more than `n`
  /// successes, as a damaged file may have them.
  ///
  /// **Source** Wilson 1927, JASA 22:209.
  public init(successes: Int, of n: Int) {
    self.init(share: Double(successes) / Double(n), of: n)
  }

  /// The same of a share that need not be a whole number of `n`, as a mean over runs or draws: not
  /// narrower than theirs, since what lies between 0 and 1 varies most where it is 0 or 1.
  ///
  /// **Edge cases** 0…1 for a share that cannot be, and of fewer than one.
  ///
  /// - Parameters:
  ///   - p: the share, 0…1.
  ///   - n: at least 1.
  public init(share p: Double, of n: Int) {
    guard n >= 1, (0...1).contains(p) else {
      (low, high) = (0, 1)
      return
    }
    let count = Double(n)
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
  let order = points.indices.sorted { (points[$0].cost, $0) < (points[$1].cost, $1) }
  var front: [Int] = []
  var best = -Double.infinity
  var rest = order[...]
  // Of each cost the best, equals included, where nothing cheaper is as good.
  while let first = rest.first {
    let peers = rest.prefix { points[$0].cost == points[first].cost }
    let value = peers.map { points[$0].value }.max() ?? best
    if value > best { front += peers.filter { points[$0].value == value } }
    best = max(best, value)
    rest = rest.dropFirst(max(peers.count, 1))
  }
  return front
}
