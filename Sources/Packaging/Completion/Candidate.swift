/// A word that could stand where a command line is being completed.
public struct Candidate: Hashable, Sendable {
  /// The word.
  public var word: String
  /// What it means, on one line; empty where that is plain.
  public var meaning: String

  /// A word with what it means.
  public init(_ word: String, _ meaning: String = "") {
    self.word = word
    self.meaning = String(meaning.split(whereSeparator: \.isNewline).first ?? "")
  }
}
