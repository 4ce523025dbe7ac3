import Basics
import Foundation
import Records
import TensorCore

/// Timesteps in random order; a class is dropped as soon as the leader is separated from it, and the
/// race ends with one class left or with the grid.
///
/// For the leader j and a rival k let x_i = s·w_i·(ℓ_ik − ℓ_ij), whose sum over the grid decides
/// between the two. Drawn without replacement, x_t has the mean (Tμ − S_(t−1))/(T − t + 1) given
/// the draws before, so with
///
///     A_t = Σ_(i ≤ t) (x_i + S_(i−1)/(T − i + 1))    B_t = Σ_(i ≤ t) T/(T − i + 1)
///
/// A_t − μB_t is a martingale. Its one-sided normal mixture bound rejects μ ≤ μ₀ (0 with a uniform
/// prior), at every t at once, where
///
///     A_t − μ₀B_t > σ √(2·(tρ² + 1)/ρ² · ln(1 + √(tρ² + 1)/(2α)))    α = δ/(K − 1)
///
/// since only the K − 1 comparisons with the class that `full` prefers can err.
///
/// **Assumption** The increments are sub-Gaussian with the deviation σ, for which the sample's stands,
/// scaled up by the mean square of the grid's weights over that of the weights seen, where those seen
/// are the smaller ones. So δ holds asymptotically, with many timesteps of which none decides alone; no
/// class is dropped before `warmUp` timesteps. The rate at which a race disagrees with `full` can be
/// measured: `elbow replay` gives it.
///
/// **Source** Waudby-Smith & Ramdas 2020 (arXiv 2006.04347), section 3.1, for the martingale;
/// Robbins 1970 and Waudby-Smith et al. 2024 (arXiv 2103.06476) for the bound with an estimated
/// deviation.
public struct Racing: SamplingStrategy {
  public var stopsByLosses: Bool { true }

  /// δ: largest probability that a race disagrees with `full`.
  public let delta: Double

  /// Timesteps before the first class may go.
  static let warmUp = 8

  public var spelling: String { "racing:\(JSONValue.canonical(number: delta))" }

  public func largestSubset(of count: Int) -> Int { count }

  public func factor(asked: Int, of count: Int) -> Double { Double(count) / Double(asked) }

  public func sample(_ ledger: inout LossLedger, random: inout RandomStream) throws {
    let count = ledger.gridSize
    let order = RandomSubset.indices(count, of: count, random: &random)
    var race = Race(ledger, alpha: delta / Double(max(ledger.allClasses.count - 1, 1)))
    for timestep in order where race.classes.count > 1 {
      let losses = try ledger.ask(classes: race.classes, timesteps: [timestep])
      race.add(losses, weight: ledger.weight(of: timestep))
      race.dropSeparated()
    }
    ledger.eliminateAll(except: race.classes)
  }

  /// The state of one image's race.
  private struct Race {
    /// Classes that have not been dropped.
    var classes: [Int]
    private let alpha: Double
    private let grid: Int
    private let gridSquare: Double
    private let handicaps: [Double]
    private var t = 0
    /// B_t.
    private var information = 0.0
    private var seenSquare = 0.0
    /// Σ x and A of each class's own losses; those of a pair are their differences.
    private var sums, martingales: [Double]
    /// Σ (ℓ_k − ℓ_j)² of each pair, `[K][K]`.
    private var squares: [Double]

    init(_ ledger: LossLedger, alpha: Double) {
      classes = ledger.allClasses
      self.alpha = alpha
      grid = ledger.gridSize
      gridSquare = (0..<grid).reduce(0) { $0 + pow(ledger.weight(of: $1), 2) } / Double(grid)
      handicaps = classes.map { -ledger.logPrior(of: $0) }
      sums = Array(repeating: 0, count: classes.count)
      martingales = sums
      squares = Array(repeating: 0, count: classes.count * classes.count)
    }

    mutating func add(_ losses: [Double], weight: Double) {
      let left = Double(grid - t)
      t += 1
      information += Double(grid) / left
      seenSquare += weight * weight
      for (k, loss) in zip(classes, losses) {
        martingales[k] += loss + sums[k] / left
        sums[k] += loss
      }
      for (a, j) in classes.enumerated() {
        for (b, k) in classes.enumerated() where a < b {
          squares[j * sums.count + k] += (losses[a] - losses[b]) * (losses[a] - losses[b])
        }
      }
    }

    mutating func dropSeparated() {
      guard let leader = classes.min(by: { estimate($0) < estimate($1) }),
        sums[leader].isFinite
      else { return }
      // A class that diverged cannot win any more.
      classes = classes.filter { sums[$0].isFinite }
      guard t >= min(Racing.warmUp, grid), t < grid else { return }
      let bound = bound()
      classes = classes.filter { k in
        guard k != leader else { return true }
        let null = (handicaps[leader] - handicaps[k]) / Double(grid)
        let lead = martingales[k] - martingales[leader] - null * information
        return lead <= deviation(leader, k) * bound
      }
    }

    /// What the class would lose on the whole grid.
    private func estimate(_ k: Int) -> Double {
      sums[k] * Double(grid) / Double(t) + handicaps[k]
    }

    /// σ of a pair's differences.
    private func deviation(_ j: Int, _ k: Int) -> Double {
      let n = Double(t)
      let difference = sums[k] - sums[j]
      let square = squares[min(j, k) * sums.count + max(j, k)]
      let variance = max(square - difference * difference / n, 0) / (n - 1)
      let scale = max(1, gridSquare / (seenSquare / n))
      return (variance * scale).squareRoot()
    }

    /// √(2·(tρ² + 1)/ρ² · ln(1 + √(tρ² + 1)/(2α))), ρ the one that is best at an eighth of the grid.
    private func bound() -> Double {
      let evidence = -2 * log(alpha)
      let rho = (evidence + log(evidence + 1)) / max(Double(grid) / 8, Double(Racing.warmUp))
      let growth = Double(t) * rho + 1
      return (2 * growth / rho * log(1 + growth.squareRoot() / (2 * alpha))).squareRoot()
    }
  }
}
