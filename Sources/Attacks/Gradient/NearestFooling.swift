/// The misclassified image nearest to the clean one, of a search that does not know ε.
struct NearestFooling {
  private let ball: Ball
  private var inside: Shortlist
  /// Nearest of all, inside the ball or not.
  private(set) var nearest: AttackPoint?
  private(set) var distance = Double.infinity

  /// - Parameters:
  ///   - ball: the threat model.
  ///   - shortlist: an empty one.
  init(_ ball: Ball, _ shortlist: Shortlist) { (self.ball, inside) = (ball, shortlist) }

  /// Whether a misclassified image lies in the ball.
  var isInside: Bool { inside.best != nil }

  /// Takes a misclassified point into account.
  mutating func offer(_ point: AttackPoint) {
    let here = ball.distance(point.image)
    if here <= ball.epsilon {
      var kept = point
      kept.loss = point.margin
      inside.offer(kept)
    }
    if here < distance { (nearest, distance) = (point, here) }
  }

  /// Points inside the ball: misclassified ones where there are any, else the nearest one of all
  /// pulled back.
  ///
  /// - Throws: what the classifier throws.
  mutating func shortlist(asking view: inout QueryView) throws -> Shortlist {
    if !isInside {
      let image = nearest?.image.map(Double.init) ?? ball.centre
      inside.offer(try view.look(at: ball.project(image)))
    }
    return inside
  }
}
