import Foundation

extension PairedCounts {
  /// 95 % interval of `delta`: the percentiles of the paired bootstrap over images, exactly, as from
  /// infinitely many resamples.
  ///
  /// A resample of n images holds a multinomial number of each kind, so its difference follows from
  /// M ~ Binomial(n, (b + c)/n) images that the two answer differently, and of these
  /// C ~ Binomial(M, c/(b + c)) for the second: D = 2C − M.
  ///
  /// **Edge cases** Where no image tells the two apart the bootstrap knows no spread; the bounds are
  /// then the difference that n such images would miss with probability 2.5 %. −1…1 without images.
  ///
  /// **Source** Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, chapters 6 and 13.
  public var deltaInterval: ClosedRange<Double> {
    guard n > 0 else { return -1...1 }
    let apart = b + c
    guard apart > 0 else {
      let reach = 1 - pow(0.025, 1 / Double(n))
      return -reach...reach
    }
    var distribution: [Int: Double] = [:]
    let share = Double(apart) / Double(n)
    for (m, p) in Self.binomial(n, share) {
      for (wins, q) in Self.binomial(m, Double(c) / Double(apart)) {
        distribution[2 * wins - m, default: 0] += p * q
      }
    }
    let sorted = distribution.sorted { $0.key < $1.key }
    let total = sorted.reduce(0) { $0 + $1.value }
    func quantile(_ level: Double) -> Double {
      var sum = 0.0
      for (difference, p) in sorted {
        sum += p / total
        // Rounding must not push a quantile that is met exactly to the next value.
        if sum >= level - 1e-12 { return Double(difference) / Double(n) }
      }
      return 1
    }
    return quantile(0.025)...quantile(0.975)
  }

  /// Probabilities of Binomial(n, p), those beyond eight deviations left out.
  private static func binomial(_ n: Int, _ p: Double) -> [(Int, Double)] {
    guard p > 0, n > 0 else { return [(0, 1)] }
    guard p < 1 else { return [(n, 1)] }
    let mean = Double(n) * p
    let reach = 8 * (mean * (1 - p)).squareRoot() + 8
    let range = max(0, Int(mean - reach))...min(n, Int(mean + reach))
    let constant: Double = lgamma(Double(n + 1))
    let (yes, no) = (log(p), log1p(-p))
    return range.map { k -> (Int, Double) in
      let ways: Double = constant - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1))
      return (k, exp(ways + Double(k) * yes + Double(n - k) * no))
    }
  }
}
