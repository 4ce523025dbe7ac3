import Basics

/// Numbers of one kind that were recorded and made again.
public struct NumberComparison: Hashable, Sendable {
  /// What they are, as `elbo`.
  public let what: String
  /// How many were compared.
  public internal(set) var compared = 0
  /// How many are not the same to the last bit.
  public internal(set) var differing = 0
  /// Largest difference; nil: none, or none that is a number.
  public internal(set) var largest: Double?
  /// Largest difference as a share of the recorded number.
  public internal(set) var largestShare: Double?
  /// Index of the image, or step of the training, with the largest difference, or of the first that
  /// differs.
  public internal(set) var place: Int?

  /// Of nothing yet.
  init(_ what: String) { self.what = what }

  /// Adds the numbers of one image, or step.
  ///
  /// Numbers of which there are more on one side differ from nothing.
  mutating func add(_ recorded: [Double?], _ made: [Double?], at place: Int) {
    compared += max(recorded.count, made.count)
    let unpaired = abs(recorded.count - made.count)
    differing += unpaired
    if unpaired > 0 { self.place = self.place ?? place }
    for (a, b) in zip(recorded, made) where a?.bitPattern != b?.bitPattern {
      // SQLite keeps one zero.
      if a == 0, b == 0 { continue }
      differing += 1
      self.place = self.place ?? place
      guard let a, let b, (a - b).isFinite else { continue }
      if abs(a - b) > largest ?? -1 {
        largest = abs(a - b)
        self.place = place
      }
      if a != 0 { largestShare = max(largestShare ?? 0, abs((a - b) / a)) }
    }
  }
}
