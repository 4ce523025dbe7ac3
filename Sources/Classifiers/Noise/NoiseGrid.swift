import Basics
import Foundation
import Records
import Statistics

/// Noise levels in rising order, each with the width of noise that it stands for.
///
/// `linear:lo:hi:T`, `log:lo:hi:T`, `quantile:T`, `karras:lo:hi:T` or `legendre:lo:hi:n`; σ is in
/// [−1, 1] units.
public struct NoiseGrid: Hashable, Sendable {
  /// One noise level.
  public struct Level: Hashable, Sendable {
    /// σ, as the denoiser is given it.
    public let sigma: Float
    /// Δσ: the grid's own spacing, on quadrature nodes the quadrature weight.
    public let width: Double
  }

  /// Canonical spelling, as `linear:0.0001:3:125`.
  public let spelling: String
  /// T noise levels, rising; the index of one is its timestep.
  public let levels: [Level]

  /// Number of timesteps T.
  public var count: Int { levels.count }

  /// Noise levels that a denoiser can be given: their squares are numbers that Float32 has.
  static let sigmas = 1e-10...1e10

  /// The nearest of them to σ.
  package static func bounded(_ sigma: Double) -> Float {
    Float(min(max(sigma, sigmas.lowerBound), sigmas.upperBound))
  }

  /// Exponent ρ of `karras`.
  private static let rho = 7.0
  /// Largest T; a grid is held in memory and recorded timestep by timestep.
  fileprivate static let largest = 100_000

  private struct Form: Sendable {
    var name: String
    var takesRange: Bool
    /// Largest T.
    var largest = NoiseGrid.largest
    var levels: @Sendable (_ lo: Double, _ hi: Double, _ count: Int) -> [(Double, Double)]
  }

  private static let forms = [
    // T + 1 points, left ends.
    Form(name: "linear", takesRange: true) { lo, hi, count in
      let width = (hi - lo) / Double(count)
      return (0..<count).map { (lo + Double($0) * width, width) }
    },
    // Midpoints in ln σ of T equal cells.
    Form(name: "log", takesRange: true) { lo, hi, count in
      let step = log(hi / lo) / Double(count)
      func edge(_ i: Double) -> Double { lo * exp(i * step) }
      return (0..<count).map { i in
        (edge(Double(i) + 0.5), edge(Double(i) + 1) - edge(Double(i)))
      }
    },
    // Midpoints of T cells of equal probability under p; p·Δσ = 1/T.
    Form(name: "quantile", takesRange: false) { _, _, count in
      (0..<count).map { i in
        let sigma = LogNormal.training.quantile((Double(i) + 0.5) / Double(count))
        return (sigma, 1 / (Double(count) * LogNormal.training.density(sigma)))
      }
    },
    // σ^(1/ρ) evenly spaced from lo to hi; each noise level stands for half of either gap beside it.
    Form(name: "karras", takesRange: true) { lo, hi, count in
      let (a, b) = (pow(lo, 1 / rho), pow(hi, 1 / rho))
      let sigmas = (0..<count).map { i in
        count == 1 ? lo : pow(a + Double(i) / Double(count - 1) * (b - a), rho)
      }
      return sigmas.indices.map { i in
        let (before, after) = (max(i - 1, 0), min(i + 1, count - 1))
        return (sigmas[i], count == 1 ? hi - lo : (sigmas[after] - sigmas[before]) / 2)
      }
    },
    // Nodes take time that grows with the square of their number.
    Form(name: "legendre", takesRange: true, largest: 5000) { lo, hi, count in
      gaussLegendre(count).map { node, weight in
        (lo + (node + 1) / 2 * (hi - lo), weight / 2 * (hi - lo))
      }
    },
  ]

  /// Reads a grid's spelling.
  ///
  /// - Throws: `ElbowError` for an unknown form, bounds that are not 0 < lo < hi, or T < 1.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard let form = Self.forms.first(where: { $0.name == parts[0] }) else {
      let names = Self.forms.map(\.name)
      throw ElbowError(
        .unknownName,
        "no noise grid '\(parts[0])'; there are \(names.joined(separator: ", "))"
          + didYouMean(parts[0], among: names))
    }
    let usage = form.takesRange ? "\(form.name):LOW:HIGH:COUNT" : "\(form.name):COUNT"
    guard parts.count == (form.takesRange ? 4 : 2), let count = Int(parts[parts.count - 1]) else {
      throw ElbowError(.malformed, "noise grid '\(text)' is not of the form \(usage)")
    }
    guard (1...form.largest).contains(count) else {
      throw ElbowError(.malformed, "noise grid '\(text)' needs 1 to \(form.largest) noise levels")
    }
    var (lo, hi) = (0.0, 0.0)
    var spelling = "\(form.name):"
    if form.takesRange {
      guard let low = Double(parts[1]), let high = Double(parts[2]), low > 0, low < high,
        high.isFinite
      else {
        throw ElbowError(.malformed, "noise grid '\(text)' needs 0 < LOW < HIGH, as in \(usage)")
      }
      guard Self.sigmas.contains(low), Self.sigmas.contains(high) else {
        throw ElbowError(
          .malformed,
          "noise grid '\(text)' needs levels within \(Self.sigmas.lowerBound) to "
            + "\(Self.sigmas.upperBound)")
      }
      (lo, hi) = (low, high)
      spelling += "\(JSONValue.canonical(number: lo)):\(JSONValue.canonical(number: hi)):"
    }
    self.spelling = spelling + "\(count)"
    levels = form.levels(lo, hi, count).map { Level(sigma: Float($0), width: $1) }
    for (a, b) in zip(levels, levels.dropFirst()) where a.sigma >= b.sigma {
      throw ElbowError(
        .malformed,
        "noise grid '\(text)' has more noise levels than Float32 can tell apart; use fewer")
    }
  }

  /// The levels that another program's run has recorded; nil where there are none, or the spelling is
  /// one of the forms. Each stands for half of either gap beside it.
  ///
  /// - Throws: `ElbowError` where they do not rise.
  init?(_ recorded: [TimestepRecord], spelled text: String) throws {
    guard !recorded.isEmpty, !Self.forms.contains(where: { text.hasPrefix("\($0.name):") }) else {
      return nil
    }
    let sigmas = recorded.map(\.sigma)
    spelling = text
    levels = sigmas.indices.map { i in
      let (before, after) = (max(i - 1, 0), min(i + 1, sigmas.count - 1))
      return Level(
        sigma: Float(sigmas[i]),
        width: sigmas.count == 1 ? 1 : (sigmas[after] - sigmas[before]) / 2)
    }
    guard levels[0].sigma > 0, zip(levels, levels.dropFirst()).allSatisfy({ $0.sigma < $1.sigma })
    else {
      throw ElbowError(.malformed, "noise levels must be positive and rise; sort them, losses too")
    }
  }

  /// Nodes and weights on [−1, 1], rising, by Newton's method on the Legendre polynomial.
  ///
  /// **Source** Press et al., *Numerical Recipes*, section 4.6.
  private static func gaussLegendre(_ n: Int) -> [(node: Double, weight: Double)] {
    (0..<n).map { i in
      var x = -cos(Double.pi * (Double(i) + 0.75) / (Double(n) + 0.5))
      var slope = 0.0
      for _ in 0..<100 {
        var (value, before) = (1.0, 0.0)
        for k in 1...n {
          (value, before) = (
            (Double(2 * k - 1) * x * value - Double(k - 1) * before) / Double(k), value
          )
        }
        slope = Double(n) * (x * value - before) / (x * x - 1)
        let step = value / slope
        x -= step
        if abs(step) < 1e-15 { break }
      }
      return (x, 2 / ((1 - x * x) * slope * slope))
    }
  }
}

/// A log-normal distribution of noise levels.
struct LogNormal: Sendable {
  /// Mean of ln σ.
  var mean: Double
  /// Standard deviation of ln σ.
  var deviation: Double

  /// Training's distribution: P_mean = −1.2, P_std = 1.2.
  ///
  /// **Source** Karras et al. 2022 (arXiv 2206.00364), table 1.
  static let training = LogNormal(mean: -1.2, deviation: 1.2)

  /// Probability density at σ.
  func density(_ sigma: Double) -> Double {
    let z = (log(sigma) - mean) / deviation
    return exp(-z * z / 2) / (sigma * deviation * (2 * Double.pi).squareRoot())
  }

  /// The σ below which a share `p` of the probability lies, 0 < p < 1.
  func quantile(_ p: Double) -> Double {
    exp(mean + deviation * NormalDistribution.quantile(p))
  }
}
