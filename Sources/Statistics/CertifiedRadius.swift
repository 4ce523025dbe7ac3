import Foundation

/// The radius around an image within which randomized smoothing answers alike.
///
/// With p the Clopper–Pearson lower bound, at confidence 1 − α, of the share of draws of noise
/// N(0, τ²I) that the chosen class has, the smoothed classifier answers with that class everywhere within
///
///     ‖δ‖₂ < τ·Φ⁻¹(p)    where p > ½
///
/// and abstains elsewhere. The class must have been chosen on draws of their own.
///
/// **Source** Cohen, Rosenfeld & Kolter 2019 (arXiv 1902.02918), theorem 1 and section 3.2.2.
public enum CertifiedRadius {
  /// α: how often at most an image gets a radius that is too large.
  public static let alpha = 0.001

  /// Radius in the units of τ; 0: the classifier abstains.
  ///
  /// - Parameters:
  ///   - votes: draws that the chosen class has, 0…draws.
  ///   - draws: n ≥ 1.
  ///   - deviation: τ > 0.
  public static func radius(votes: Int, of draws: Int, deviation: Double) -> Double {
    precondition(draws >= 1 && (0...draws).contains(votes), "\(votes) votes of \(draws) draws")
    let share = lowerBound(votes, of: draws)
    return share > 0.5 ? deviation * NormalDistribution.quantile(share) : 0
  }

  /// The share p at which so many votes or more come with probability α.
  ///
  /// **Source** Clopper & Pearson 1934: P(X ≥ k) = I_p(k, n − k + 1).
  static func lowerBound(_ votes: Int, of draws: Int) -> Double {
    guard votes > 0 else { return 0 }
    guard votes < draws else { return pow(alpha, 1 / Double(draws)) }
    let (k, n) = (Double(votes), Double(draws))
    var (low, high) = (0.0, k / n)
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if IncompleteBeta.value(middle, k, n - k + 1) < alpha { low = middle } else { high = middle }
    }
    // What is bounded is bounded from below.
    return low
  }
}
