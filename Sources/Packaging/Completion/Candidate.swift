/// A word that could stand where a command line is being completed.
package struct Candidate: Hashable, Sendable {
  /// The word.
  package var word: String
  /// What it means, on one line; empty where that is plain.
  package var meaning: String

  /// A word with what it means.
  package init(_ word: String, _ meaning: String = "") {
    self.word = word
    self.meaning = String(meaning.split(whereSeparator: \.isNewline).first ?? "")
  }
}
