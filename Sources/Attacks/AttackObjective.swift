import Foundation

/// What a search climbs, as a function of the logits z and the true class y.
public enum AttackObjective: Hashable, Sendable {
  /// Away from y, wherever that leads.
  case untargeted(AttackLoss)
  /// Targeted difference of logits ratio, −(z_y − z_t)/(z_π1 − ½(z_π3 + z_π4) + 1e-12); scale-free.
  case ratio(toward: Int)
  /// Targeted margin, z_t − z_y.
  case margin(toward: Int)
  /// Margin and likelihood, max_{j≠y} z_j − z_y + λ·ln Σ_k exp z_k, where logits are s·ELBO_k + ln p(k): the
  /// sum is the evidence of the image itself.
  case likely(weight: Double)

  /// The objective with its gradient ∂/∂z, `[K]`.
  ///
  /// **Edge cases** Where a logit is not finite the value is −∞ and the gradient 0: such a point is
  /// never kept. `ratio` needs four classes.
  ///
  /// **Source** Croce and Hein 2020 (arXiv 2003.01690), equation 6.
  public func value(_ z: [Double], label y: Int) -> (loss: Double, gradient: [Double]) {
    if case .untargeted(let loss) = self { return loss.value(z, label: y) }
    var gradient = [Double](repeating: 0, count: z.count)
    guard z.allSatisfy(\.isFinite) else { return (-.infinity, gradient) }
    switch self {
    case .untargeted(let loss):
      return loss.value(z, label: y)
    case .margin(let target):
      gradient[y] -= 1
      gradient[target] += 1
      return (z[target] - z[y], gradient)
    case .likely(let weight):
      let margin = AttackLoss.margin.value(z, label: y)
      let top = z.max() ?? 0
      let total = z.reduce(0) { $0 + exp($1 - top) }
      for k in z.indices { gradient[k] = margin.gradient[k] + weight * exp(z[k] - top) / total }
      return (margin.loss + weight * (top + log(total)), gradient)
    case .ratio(let target):
      precondition(z.count >= 4, "the targeted ratio needs 4 classes, got \(z.count)")
      let order = AttackLoss.descending(z)
      let difference = z[y] - z[target]
      let spread = z[order[0]] - (z[order[2]] + z[order[3]]) / 2 + 1e-12
      gradient[y] -= 1 / spread
      gradient[target] += 1 / spread
      let slope = difference / (spread * spread)
      gradient[order[0]] += slope
      gradient[order[2]] -= slope / 2
      gradient[order[3]] -= slope / 2
      return (-difference / spread, gradient)
    }
  }
}
