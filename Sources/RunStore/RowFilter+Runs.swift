import Basics
import Foundation

extension RowFilter {
  /// Runs of these full ids.
  public static func ids(_ ids: [String]) -> RowFilter {
    guard !ids.isEmpty else { return isNull("id") }
    let list = ids.flatMap { [Token.symbol(","), .text($0)] }.dropFirst()
    return RowFilter([.name("id"), .word("IN"), .symbol("(")] + list + [.symbol(")")])
  }

  /// Rows whose column is this text.
  public static func equal(_ column: String, _ text: String) -> RowFilter {
    RowFilter([.name(column), .symbol("="), .text(text)])
  }

  /// Rows whose column is this number.
  public static func equal(_ column: String, _ number: Int) -> RowFilter {
    RowFilter([.name(column), .symbol("="), .number("\(number)")])
  }

  /// Rows whose column is above this number.
  public static func above(_ column: String, _ number: Int) -> RowFilter {
    RowFilter([.name(column), .symbol(">"), .number("\(number)")])
  }

  /// Rows whose column holds nothing.
  public static func isNull(_ column: String) -> RowFilter {
    RowFilter([.name(column), .word("IS"), .word("NULL")])
  }

  /// Rows whose column holds something.
  public static func isPresent(_ column: String) -> RowFilter {
    RowFilter([.name(column), .word("IS"), .word("NOT"), .word("NULL")])
  }

  /// Finished runs on images of a dataset's own, not attacked.
  public static let finishedClean = equal("status", "finished").and(isNull("attack"))
    .and(isNull("inputs_run"))

  /// Status of a run, by its letter.
  private static let letters: [(letter: Character, status: String)] = [
    ("r", "running"), ("f", "finished"), ("e", "failed"), ("i", "interrupted"), ("c", "crashed"),
  ]

  /// Runs of some statuses: letters (`ri`: running or interrupted), or names with commas between.
  ///
  /// - Throws: `ElbowError` for anything else.
  public static func status(_ text: String) throws -> RowFilter {
    let words = text.lowercased().split(separator: ",").map(String.init)
    let names = letters.map(\.status)
    var statuses = words
    if words.count != 1 || !names.contains(words[0]), let only = words.first, words.count == 1 {
      statuses = only.map { letter in
        letters.first { $0.letter == letter }?.status ?? String(letter)
      }
    }
    guard !statuses.isEmpty, statuses.allSatisfy(names.contains) else {
      let known = letters.map { "\($0.letter) \($0.status)" }.joined(separator: ", ")
      throw ElbowError(
        .malformed,
        "`status` takes letters, as fi, or names, as finished,interrupted; there are \(known); got "
          + "'\(text)'")
    }
    let list = statuses.flatMap { [Token.symbol(","), .text($0)] }.dropFirst()
    return RowFilter([.name("status"), .word("IN"), .symbol("(")] + list + [.symbol(")")])
  }

  /// Runs that started within a range that `TimeRange` reads, as `last 2 days`.
  ///
  /// - Throws: `ElbowError` for a range out of form.
  public static func started(
    _ text: String, now: Date = Date(), calendar: Calendar = .current
  ) throws -> RowFilter {
    let range = try TimeRange(text, now: now, calendar: calendar)
    let bounds =
      (range.from.map { ["started_at >= '\(Timestamp.text($0))'"] } ?? [])
      + (range.to.map { ["started_at < '\(Timestamp.text($0))'"] } ?? [])
    return try RowFilter(bounds.joined(separator: " AND "))
  }
}
