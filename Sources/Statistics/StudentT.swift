import Foundation

/// Student's t distribution.
package enum StudentT {
  /// The value that `t` stays within −value…value of with probability 95 %.
  ///
  /// - Parameter freedom: degrees of freedom, ≥ 1.
  ///
  /// **Source** P(|t| > x) = I_(ν/(ν + x²))(ν/2, ½); Abramowitz & Stegun 26.7.1.
  package static func reach(freedom: Int) -> Double {
    precondition(freedom >= 1, "t needs at least 1 degree of freedom, got \(freedom)")
    let n = Double(freedom)
    // The tail falls monotonically; 12.71 (one degree) is the largest value.
    var (low, high) = (1.9, 13.0)
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if IncompleteBeta.value(n / (n + middle * middle), n / 2, 0.5) > 0.05 {
        low = middle
      } else {
        high = middle
      }
    }
    return (low + high) / 2
  }
}
