/// The best few points of a search, best first; of equals the earlier.
public struct Shortlist: Sendable {
  /// How many are kept.
  public let capacity: Int
  /// Best first, without their gradients.
  public private(set) var points: [AttackPoint] = []

  /// An empty list of so many places, at least one.
  public init(capacity: Int) { self.capacity = max(capacity, 1) }

  /// The best point; nil before any was offered.
  public var best: AttackPoint? { points.first }

  /// Keeps `point` where it is among the best.
  public mutating func offer(_ point: AttackPoint) {
    let place = points.firstIndex { point.beats($0) } ?? points.count
    guard place < capacity else { return }
    var kept = point
    kept.gradient = []
    points.insert(kept, at: place)
    if points.count > capacity { points.removeLast() }
  }

  /// The same points, with the margin for their loss.
  var byMargin: Shortlist {
    var result = Shortlist(capacity: capacity)
    for var point in points {
      point.loss = point.margin
      result.offer(point)
    }
    return result
  }

  /// Keeps the best of both.
  public mutating func merge(_ other: Shortlist) {
    for point in other.points { offer(point) }
  }
}
