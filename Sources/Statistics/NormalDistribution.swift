import Foundation

/// The standard normal distribution.
package enum NormalDistribution {
  /// Φ⁻¹(p): the value that a standard normal number stays below with probability `p`, 0 < p < 1.
  package static func quantile(_ p: Double) -> Double {
    // Newton on Φ(z) = p from the centre converges from both sides, since Φ is concave beyond it.
    var z = 0.0
    for _ in 0..<200 {
      let error = erfc(-z / 2.0.squareRoot()) / 2 - p
      let step = error / (exp(-z * z / 2) / (2 * Double.pi).squareRoot())
      z -= max(-1, min(1, step))
      if abs(step) < 1e-14 { break }
    }
    return z
  }
}
