import Basics
import Foundation

/// A range of time as a person writes it.
///
/// `today`, `yesterday`, `this UNIT`, `last N UNITS`, `TIME` (a day, or from that minute on),
/// `before TIME`, `after TIME`, `between TIME and TIME`; UNIT is minute, hour, day, week, month or
/// year, TIME is `2026-05-31`, `2026-05-31 14:30`, `14:30` (today), `today` or `yesterday`.
package struct TimeRange: Hashable, Sendable {
  /// First moment, nil: none.
  package let from: Date?
  /// First moment after it, nil: none.
  package let to: Date?

  private static let units: [String: Calendar.Component] = [
    "minute": .minute, "hour": .hour, "day": .day, "week": .weekOfYear, "month": .month,
    "year": .year,
  ]

  /// Reads a range.
  ///
  /// - Throws: `ElbowError` for anything out of form.
  package init(_ text: String, now: Date, calendar: Calendar) throws {
    let words = text.lowercased().split(separator: " ").map(String.init)
    let range = Self.relative(words, now, calendar) ?? Self.absolute(words, now, calendar)
    guard let range else {
      throw ElbowError(
        .malformed,
        "`started` '\(text)' is no range of time; write 'last 2 days', 'this week', 'yesterday', "
          + "'2026-05-31', 'after 2026-05-31 14:30' or 'between 9:00 and 12:00'")
    }
    (from, to) = range
  }

  private static func relative(
    _ words: [String], _ now: Date, _ calendar: Calendar
  ) -> (Date?, Date?)? {
    func unit(_ word: String) -> Calendar.Component? {
      units[word] ?? (word.hasSuffix("s") ? units[String(word.dropLast())] : nil)
    }
    switch words.first {
    case "this" where words.count == 2:
      guard let unit = unit(words[1]), let period = calendar.dateInterval(of: unit, for: now)
      else { return nil }
      return (period.start, nil)
    case "last" where words.count == 2 || words.count == 3:
      guard let unit = unit(words[words.count - 1]),
        let count = words.count == 2 ? 1 : Int(words[1]), (1...100_000).contains(count),
        let start = calendar.date(byAdding: unit, value: -count, to: now)
      else { return nil }
      return (start, nil)
    default: return nil
    }
  }

  private static func absolute(
    _ words: [String], _ now: Date, _ calendar: Calendar
  ) -> (Date?, Date?)? {
    func period(_ words: ArraySlice<String>) -> DateInterval? {
      Self.period(words.joined(separator: " "), now, calendar)
    }
    switch words.first {
    case "before": return period(words[1...]).map { (nil, $0.start) }
    case "after": return period(words[1...]).map { ($0.start, nil) }
    case "between":
      guard let middle = words.firstIndex(of: "and"), let a = period(words[1..<middle]),
        let b = period(words[(middle + 1)...]), a.start <= b.start
      else { return nil }
      // Through the end of a day, up to a minute.
      return (a.start, b.duration > 60 ? b.end : b.start)
    default:
      return period(words[...]).map { ($0.start, $0.duration > 60 ? $0.end : nil) }
    }
  }

  /// The day or minute that a time names.
  private static func period(_ text: String, _ now: Date, _ calendar: Calendar) -> DateInterval? {
    if text == "today" { return calendar.dateInterval(of: .day, for: now) }
    if text == "yesterday" {
      return calendar.date(byAdding: .day, value: -1, to: now)
        .flatMap { calendar.dateInterval(of: .day, for: $0) }
    }
    var parts = calendar.dateComponents([.year, .month, .day], from: now)
    var clock: Substring?
    if let match = text.wholeMatch(
      of: /(\d{4})-(\d\d)-(\d\d)(?:[ t](\d{1,2}:\d\d))?/.asciiOnlyDigits())
    {
      (parts.year, parts.month, parts.day) = (Int(match.1), Int(match.2), Int(match.3))
      clock = match.4
    } else if text.wholeMatch(of: /\d{1,2}:\d\d/.asciiOnlyDigits()) != nil {
      clock = text[...]
    } else {
      return nil
    }
    if let clock {
      let numbers = clock.split(separator: ":").compactMap { Int($0) }
      guard numbers[0] < 24, numbers[1] < 60 else { return nil }
      (parts.hour, parts.minute) = (numbers[0], numbers[1])
    }
    // A date that the calendar had to move, as 31 February, is a mistake.
    guard let date = calendar.date(from: parts),
      calendar.dateComponents([.year, .month, .day], from: date)
        == DateComponents(year: parts.year, month: parts.month, day: parts.day)
    else { return nil }
    return calendar.dateInterval(of: clock == nil ? .day : .minute, for: date)
  }
}
