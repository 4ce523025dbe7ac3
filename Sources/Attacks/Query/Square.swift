import Records
import TensorCore

/// Square attack: random search over square patches, by queries alone.
///
/// A patch is kept where it raises the margin. The search ends with the first image that is broken
/// for certain; of a randomized classifier it goes on to the last query.
///
/// **Source** Andriushchenko et al. 2020 (arXiv 1912.00049), algorithms 1–3.
public struct Square: QueryAttack {
  /// Threat model's norm.
  public var norm: AttackConfiguration.Norm
  /// Budget in pixel units.
  public var epsilon: Double
  /// Queries after the first.
  public var queries: Int
  /// Share of the image that the first patches cover.
  public var share: Double

  /// The attack as given.
  public init(
    norm: AttackConfiguration.Norm, epsilon: Double, queries: Int = 5000, share: Double = 0.8
  ) {
    (self.norm, self.epsilon, self.queries, self.share) = (norm, epsilon, queries, share)
  }

  /// Queries after which patches halve their share of the image.
  private static let halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000]

  /// Share of the image that a patch covers at a query, from 0.
  package func share(at query: Int) -> Double {
    share / Double(1 << Self.halvings.prefix { query > $0 }.count)
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, asking view: inout QueryView
  ) throws -> Shortlist {
    let ball = Ball(around: view.image, norm: norm, epsilon: epsilon)
    let patches = SquarePatches(shape: view.shape, ball: ball)
    var current = try view.look(at: patches.start(&random))
    var found = view.shortlist
    found.offer(current)
    for query in 0..<queries {
      if view.isCertain, current.margin > 0 { break }
      let point = try view.look(
        at: patches.next(current.image, share: share(at: query), &random))
      found.offer(point)
      if point.loss > current.loss || (point.margin > 0 && current.margin <= 0) { current = point }
    }
    return found
  }
}

extension AttackEntry {
  /// Square attack.
  static let square = AttackEntry(
    "square", "random search over square patches by queries alone; steps are queries",
    kind: .query, steps: 5000,
    parameters: [
      AttackParameter(
        "share", "share of the image that the first patches cover", usual: 0.8, in: 1e-6...1)
    ]
  ) { Square(norm: $0.norm, epsilon: $0.epsilon, queries: $0.steps, share: $0["share"]) }
}
