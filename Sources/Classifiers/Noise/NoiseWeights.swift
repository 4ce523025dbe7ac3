import Basics
import Foundation
import Records

/// Weight functions ω(σ) of the ELBO; a noise level's weight is w_i = ω(σ_i)·Δσ_i.
public enum NoiseWeights: String, CaseIterable, Sendable {
  /// λ(σ)·p(σ): the training objective's own weighting (arXiv 2206.00364).
  case edm
  /// As `edm`, its exponent multiplied by P_std² where it should be divided, as in the released
  /// code of RDC (arXiv 2305.15241).
  case edmAsReleased = "edm-as-released"
  /// σ⁻³: the variational bound of a variance-exploding diffusion.
  case elbo
  /// σ⁻².
  case snr
  /// 1.
  case uniform

  /// Reads a name.
  ///
  /// - Throws: `ElbowError` for an unknown one.
  public init(_ name: String) throws {
    guard let known = Self(rawValue: name) else {
      let names = Self.allCases.map(\.rawValue)
      throw ElbowError(
        .unknownName,
        "no weights '\(name)'; there are \(names.joined(separator: ", "))"
          + didYouMean(name, among: names))
    }
    self = known
  }

  /// ω(σ).
  public func callAsFunction(_ sigma: Double) -> Double {
    let (p, data) = (LogNormal.training, 0.5)
    /// λ(σ) = (σ²+σ_d²)/(σ·σ_d)².
    var lambda: Double { (sigma * sigma + data * data) / (sigma * data * sigma * data) }
    switch self {
    case .edm: return lambda * p.density(sigma)
    case .edmAsReleased:
      let distance = (log(sigma) - p.mean) * p.deviation
      return lambda * exp(-distance * distance / 2)
        / (sigma * p.deviation * (2 * Double.pi).squareRoot())
    case .elbo: return 1 / (sigma * sigma * sigma)
    case .snr: return 1 / (sigma * sigma)
    case .uniform: return 1
    }
  }
}
