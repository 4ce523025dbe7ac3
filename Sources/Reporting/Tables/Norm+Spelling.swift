import Basics
import Records

extension AttackConfiguration.Norm {
  /// A threat model in short, as `linf 8/255` or `corruption 3`.
  package func threat(_ epsilon: Double) -> String {
    "\(rawValue) \(isBall ? RunSummary.epsilon(epsilon) : RunSummary.decimal(epsilon))"
  }

  /// How formulas write it.
  var symbol: String {
    switch self {
    case .linf: "ℓ∞"
    case .l2: "ℓ2"
    case .flow, .rotation, .corruption: rawValue
    }
  }

  /// What ε measures, for an axis.
  var axis: String {
    switch self {
    case .linf, .l2: "attacker's budget ε (\(symbol), pixel units of [0, 1])"
    case .flow: "largest displacement ε (grid units of −1 to 1 across the image)"
    case .rotation: "rotation and translation ε (share of ±30° and ±3 pixels)"
    case .corruption: "severity of the corruption (1 to 5)"
    }
  }
}
