import TensorCore

/// Looks for an image inside a threat model that a classifier gets wrong.
///
/// An attack is a search from one start. What it may ask is the view; restarts, the noise that it
/// sees, the choice of the final image and the count of what it costs are the `Attacker`'s and the
/// view's, the same for all.
public protocol Attack: Sendable {
  /// One search.
  ///
  /// - Parameters:
  ///   - restart: which, from 0.
  ///   - random: numbers of this start.
  ///   - view: what it may ask.
  /// - Returns: the best points found, inside the threat model and [0, 1].
  /// - Throws: what the classifier throws.
  func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist
}

/// An attack that asks for no gradient.
public protocol QueryAttack: Attack {
  /// One search by queries alone; otherwise as `Attack.search`.
  func search(
    _ restart: Int, _ random: inout RandomStream, asking view: inout QueryView
  ) throws -> Shortlist
}

extension QueryAttack {
  public func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist {
    try search(restart, &random, asking: &view.queries)
  }
}
