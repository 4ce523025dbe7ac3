/// What a randomized classifier answers one image on several fresh draws of its noise.
public struct Redraws: Hashable, Sendable {
  /// Draws.
  public let count: Int
  /// How many of them gave the true class.
  public let correct: Int
  /// The class that most of them gave; of classes that are level one that is wrong, the lowest.
  public let majority: Int

  /// The counts as they were recorded.
  package init(count: Int, correct: Int, majority: Int) {
    (self.count, self.correct, self.majority) = (count, correct, majority)
  }

  /// - Parameters:
  ///   - answers: one class a draw, at least one.
  ///   - label: the true class.
  public init(_ answers: [Int], label: Int) {
    precondition(!answers.isEmpty, "no draws")
    let votes = Dictionary(answers.map { ($0, 1) }, uniquingKeysWith: +)
    count = answers.count
    correct = votes[label] ?? 0
    let most = votes.values.max() ?? 0
    let winners = votes.filter { $0.value == most }.keys
    majority = winners.filter { $0 != label }.min() ?? label
  }
}
