import Classifiers
import Records
import TensorCore

/// An attack as a run carries it out, or several one after the other: from so many starts, with what
/// the attacker knows.
public struct Attacker: Sendable {
  /// A search with its name in the table of attacks.
  public struct Member: Sendable {
    /// As `apgd-ce`.
    public var name: String
    /// The search.
    public var attack: any Attack

    /// The member as given.
    public init(name: String, attack: any Attack) { (self.name, self.attack) = (name, attack) }
  }

  /// The searches, in order; at least one.
  public var members: [Member]
  /// Independent starts.
  public var restarts: Int
  /// What the attacker knows of the noise.
  public var knowledge: Knowledge

  /// The attacker as given.
  public init(
    _ members: [Member], restarts: Int = 1, knowing knowledge: Knowledge = Knowledge()
  ) {
    precondition(!members.isEmpty, "an attacker without an attack")
    (self.members, self.restarts, self.knowledge) = (members, restarts, knowledge)
  }

  /// The attacker of a single search.
  public init(_ attack: any Attack, restarts: Int = 1, knowing knowledge: Knowledge = Knowledge()) {
    self.init([Member(name: "", attack: attack)], restarts: restarts, knowing: knowledge)
  }

  /// Attacks one image.
  ///
  /// Restarts end with the first that breaks the image for certain: what is seen is what the
  /// classifier answers. Otherwise the final image is the best over all starts as the attacker saw
  /// them or, with `choiceDraws`, the one of the best five that most fresh draws misclassify. A member
  /// is asked where those before it found no image that is misclassified, in the mean of the draws
  /// of a look.
  ///
  /// - Parameters:
  ///   - image: planar `[C, H, W]`, pixel units [0, 1].
  ///   - label: true class.
  ///   - key: names the image for the noise.
  ///   - seed: seed of the attacker's stream.
  ///   - defence: the stream of the classifier's recorded predictions; only an attacker who knows
  ///     the noise looks at it.
  ///   - watch: told what is spent so far, at every look.
  /// - Throws: what the classifier throws.
  public func perturb(
    _ image: [Float], label: Int, key: ImageKey, seed: UInt64,
    defence: NoiseStream, against classifier: any DifferentiableClassifier,
    watch: @escaping @Sendable (Cost) -> Void = { _ in }
  ) throws -> AttackResult {
    let queries = QueryView(
      of: classifier, image: image, label: label, key: key, seed: seed, defence: defence,
      knowledge: knowledge, watch: watch)
    var view = GradientView(queries, of: classifier)
    var found = view.queries.shortlist
    var finder: String?
    for member in members {
      for restart in 0..<restarts {
        let start = NoiseStream(seed: seed, owner: .attack(step: restart, eot: 0))
        var random = NoiseKey(start, .start, key).random()
        let points = try member.attack.search(restart, &random, through: &view)
        // Objectives of different attacks do not compare; margins do.
        found.merge(members.count > 1 ? points.byMargin : points)
        if view.queries.isCertain, let best = found.best, best.margin > 0 { break }
      }
      if members.count > 1, let best = found.best, best.margin > 0 {
        finder = member.name
        break
      }
    }
    guard var final = found.best else { preconditionFailure("an attack found no point at all") }
    if found.points.count > 1 {
      final = try view.queries.choice(among: found.points, draws: knowledge.choiceDraws)
    }
    let ball = Ball(around: image)
    return AttackResult(
      image: final.image, cost: view.queries.cost, zeroGradientShare: view.zeroGradientShare,
      loss: final.loss, linf: ball.distanceInfinity(final.image),
      l2: ball.distance2(final.image.map(Double.init)), finder: finder)
  }
}
