import Foundation

/// What a gradient attack maximizes, as a function of the logits z and the true class y.
///
/// **Source** Croce and Hein 2020 (arXiv 2003.01690).
public enum AttackLoss: String, CaseIterable, Sendable {
  /// Cross-entropy, −ln softmax(z)_y, in Double by log-sum-exp.
  case ce
  /// Difference of logits ratio, −(z_y − max_{j≠y} z_j)/(z_π1 − z_π3 + 1e-12); scale-free.
  case dlr
  /// Margin, max_{j≠y} z_j − z_y.
  case margin

  /// The loss with its gradient ∂loss/∂z, `[K]`.
  ///
  /// **Edge cases** Where a logit is not finite the loss is −∞ and the gradient 0: such a point is
  /// never kept.
  public func value(_ z: [Double], label y: Int) -> (loss: Double, gradient: [Double]) {
    var gradient = [Double](repeating: 0, count: z.count)
    guard z.allSatisfy(\.isFinite) else { return (-.infinity, gradient) }
    let order = Self.descending(z)
    let rival = order[0] == y ? order[1] : order[0]
    switch self {
    case .ce:
      let top = z[order[0]]
      let total = z.reduce(0) { $0 + exp($1 - top) }
      // Each share on its own, the true class's as minus their sum: 1 − p_y would cancel to 0 long
      // before the shares themselves underflow.
      for k in z.indices where k != y {
        gradient[k] = exp(z[k] - top) / total
        gradient[y] -= gradient[k]
      }
      return (top + log(total) - z[y], gradient)
    case .dlr:
      let difference = z[y] - z[rival]
      let spread = z[order[0]] - z[order[2]] + 1e-12
      gradient[y] -= 1 / spread
      gradient[rival] += 1 / spread
      let slope = difference / (spread * spread)
      gradient[order[0]] += slope
      gradient[order[2]] -= slope
      return (-difference / spread, gradient)
    case .margin:
      gradient[y] = -1
      gradient[rival] = 1
      return (z[rival] - z[y], gradient)
    }
  }
  /// The margin, with the sign of what is answered: positive where that is not the true class.
  ///
  /// - Parameter predicted: the answer, where logits alone do not tell it.
  static func judged(_ z: [Double], label: Int, predicted: Int?) -> Double {
    let margin = AttackLoss.margin.value(z, label: label).loss
    guard let predicted else { return margin }
    // As close to the boundary as can be, on its right side.
    return predicted == label
      ? min(margin, -.leastNormalMagnitude) : max(margin, .leastNormalMagnitude)
  }

  /// Classes by their logits, highest first; of equals the lower class.
  static func descending(_ z: [Double]) -> [Int] {
    z.indices.sorted { (z[$0], -$0) > (z[$1], -$1) }
  }
}

extension AttackLoss {
  /// What it is, in words.
  var title: String {
    switch self {
    case .ce: "the cross-entropy"
    case .dlr: "the ratio of logits"
    case .margin: "the margin"
    }
  }

  /// Classes that it needs.
  var fewestClasses: Int { self == .dlr ? 3 : 2 }
}
