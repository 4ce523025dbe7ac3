import Basics

/// One of several parts of a list: every N-th item, so that parts of a list that is sorted by what its
/// items take are of about the same size.
///
/// Parts of one count are disjoint, and together they are the list.
public struct Shard: Hashable, Sendable, Spelled {
  /// Which one, from 1.
  public let index: Int
  /// Of how many.
  public let count: Int

  /// Most parts.
  public static let limit = 100_000

  /// The part as given.
  ///
  /// - Throws: `ElbowError` where there is no such part.
  public init(_ index: Int, of count: Int) throws {
    guard (1...Self.limit).contains(count), (1...count).contains(index) else {
      throw ElbowError(
        .malformed,
        "`shard` \(index)/\(count) is none of 1 to \(Self.limit) parts: the first of 16 is 1/16")
    }
    (self.index, self.count) = (index, count)
  }

  /// The part that a text as `3/16` names.
  ///
  /// - Throws: `ElbowError` for another text.
  public init(_ text: String) throws {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1] else {
      throw ElbowError(.malformed, "`shard` needs K/N, as 3/16, got '\(text)'")
    }
    try self.init(index, of: count)
  }

  /// As `3/16`.
  public var spelling: String { "\(index)/\(count)" }

  /// Whether an item of the list is of this part.
  ///
  /// - Parameter place: of the item, from 0.
  public func contains(_ place: Int) -> Bool { place % count == index - 1 }
}
