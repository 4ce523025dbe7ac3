import Basics
import Foundation
import Records

/// Which images of a split: `N` (the first N), `A..B` (without B), `A...B` (with B) or `A,B,C`.
public struct ImageSelection: Sendable, Equatable {
  /// The text as given.
  public let text: String
  private enum Form: Sendable, Equatable {
    case range(Range<Int>)
    case list([Int])
  }
  private let form: Form
  /// What the text was given as, for messages.
  private let field: String

  /// - Parameter field: what the text was given as, for messages.
  /// - Throws: `ElbowError` for text of no such form, an empty choice, or an image named twice.
  public init(_ text: String, field: String = "images") throws {
    (self.text, self.field) = (text, field)
    func fail(_ problem: String) -> ElbowError {
      ElbowError(
        .malformed,
        "`\(field)` '\(text)' \(problem); use N, A..B (without B), A...B (with B) or A,B,C")
    }
    if let match = text.wholeMatch(of: /([0-9]+)\.\.(\.?)([0-9]+)/) {
      guard let a = Int(match.1), let b = Int(match.3), b < Int.max else {
        throw fail("is no range")
      }
      let end = match.2.isEmpty ? b : b + 1
      guard a < end else { throw fail("is empty") }
      form = .range(a..<end)
    } else if text.contains("..") {
      throw fail("is no range")
    } else if text.contains(",") {
      let parts = text.split(separator: ",", omittingEmptySubsequences: true)
      let indices = parts.compactMap { Int($0) }
      guard indices.count == parts.count, indices.allSatisfy({ $0 >= 0 }) else {
        throw fail("is no list of indices")
      }
      guard !indices.isEmpty else { throw fail("is empty") }
      guard Set(indices).count == indices.count else { throw fail("names an image twice") }
      form = .list(indices)
    } else {
      guard let n = Int(text) else { throw fail("is no number") }
      guard n > 0 else { throw fail("is empty") }
      form = .range(0..<n)
    }
  }

  /// Whether the image of this index is chosen.
  public func contains(_ index: Int) -> Bool {
    switch form {
    case .range(let range): range.contains(index)
    case .list(let list): list.contains(index)
    }
  }

  /// The indices, in order.
  ///
  /// - Throws: `ElbowError` where the split has fewer images.
  public func indices(of count: Int) throws -> [Int] {
    let indices: [Int]
    switch form {
    case .range(let range):
      guard range.upperBound <= count else { throw tooMany(range.upperBound - 1, count) }
      indices = Array(range)
    case .list(let list):
      if let largest = list.max(), largest >= count { throw tooMany(largest, count) }
      indices = list
    }
    return indices
  }

  private func tooMany(_ index: Int, _ count: Int) -> ElbowError {
    ElbowError(
      .malformed,
      "`\(field)` '\(text)' asks for image \(index), the split has 0 to \(count - 1)")
  }
}
