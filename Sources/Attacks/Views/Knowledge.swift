import Records

/// What an attacker knows of a randomized classifier's noise, how it makes use of that, and what it
/// spares.
///
/// A value of the view, so that every attack has the same choices.
public struct Knowledge: Hashable, Sendable {
  /// Which noise a look at the classifier is drawn with.
  public var noise: AttackConfiguration.Noise
  /// Draws averaged in each look (expectation over transformation).
  public var draws: Int
  /// Fresh draws by which the final image is chosen among the best few points; 0: by the looks of
  /// the search itself.
  public var choiceDraws: Int
  /// Share of the largest weight in an objective's gradient below which a class is left out of it,
  /// where classes have passes of their own.
  public var negligible: Double
  /// Rival classes that a look asks for, besides those that weigh in the objective, between looks at
  /// all; 0: every look is at all.
  public var rivals: Int
  /// Whether gradients go through all losses that a strategy might have asked for.
  public var asksAll: Bool

  /// Looks of which one is at all classes.
  static let period = 10
  /// Points that the final image of a randomized classifier is chosen among.
  static let finalists = 5

  /// The knowledge as given.
  public init(
    noise: AttackConfiguration.Noise = .fresh, draws: Int = 1, choiceDraws: Int = 0,
    neglecting negligible: Double = 0, rivals: Int = 0, asksAll: Bool = false
  ) {
    (self.noise, self.draws, self.choiceDraws) = (noise, draws, choiceDraws)
    (self.negligible, self.rivals, self.asksAll) = (negligible, rivals, asksAll)
  }
}
