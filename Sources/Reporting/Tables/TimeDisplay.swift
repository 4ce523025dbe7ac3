import Basics
import Foundation

/// Stored times as people read them: where they are, and seen from now.
///
/// Records hold UTC in ISO 8601; the zone, the calendar and the present are given, so that a text
/// follows from them alone.
public struct TimeDisplay: Sendable {
  /// What "ago" counts from.
  public var now: Date
  private let calendar: Calendar

  /// A reader's place in time.
  public init(now: Date, calendar: Calendar = Calendar(identifier: .gregorian), zone: TimeZone) {
    var calendar = calendar
    calendar.timeZone = zone
    (self.now, self.calendar) = (now, calendar)
  }

  /// As `2026-11-28 09:12 CET`; a zone that has no name is shown by its distance, `+05:45`.
  ///
  /// **Edge cases** A text that is no ISO 8601 time is given back.
  public func moment(_ stored: String) -> String {
    guard let date = Self.date(stored) else { return stored }
    return "\(day(date)) \(clock(date)) \(zone(date))"
  }

  /// As `40 s ago`, `5 min ago`, `3 h ago`, `2 d ago` within a week, then as `2026-11-21`.
  ///
  /// **Edge cases** What lies ahead, by clocks that differ, is shown as `moment`; by less than a
  /// minute, as `now`. A text that is no ISO 8601 time is given back.
  public func ago(_ stored: String) -> String {
    guard let date = Self.date(stored) else { return stored }
    let seconds = Int(nearest: now.timeIntervalSince(date).rounded(.down))
    return switch seconds {
    case ..<(-60): moment(stored)
    case ..<1: "now"
    case ..<60: "\(seconds) s ago"
    case ..<3600: "\(seconds / 60) min ago"
    case ..<86_400: "\(seconds / 3600) h ago"
    case ..<604_800: "\(seconds / 86_400) d ago"
    default: day(date)
    }
  }

  /// The time that a text in ISO 8601 stands for, with or without fractions of seconds.
  static func date(_ text: String) -> Date? {
    let style = Date.ISO8601FormatStyle()
    // Records have the fractions.
    return (try? Date(text, strategy: style.time(includingFractionalSeconds: true)))
      ?? (try? Date(text, strategy: style))
  }

  private func day(_ date: Date) -> String {
    let parts = calendar.dateComponents([.year, .month, .day], from: date)
    return [(parts.year, 4), (parts.month, 2), (parts.day, 2)].map(Self.padded)
      .joined(separator: "-")
  }

  private func clock(_ date: Date) -> String {
    let parts = calendar.dateComponents([.hour, .minute], from: date)
    return [(parts.hour, 2), (parts.minute, 2)].map(Self.padded).joined(separator: ":")
  }

  /// Digits with zeros before them, which Foundation's formats do not write as fast.
  private static func padded(_ number: Int?, _ digits: Int) -> String {
    let text = "\(number ?? 0)"
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }

  private func zone(_ date: Date) -> String {
    let zone = calendar.timeZone
    let seconds = zone.secondsFromGMT(for: date)
    if seconds == 0, ["GMT", "UTC", "Etc/UTC", "Etc/GMT"].contains(zone.identifier) {
      return "UTC"
    }
    // A locale names the zones that are common where it is spoken, and others by their distance.
    let style: TimeZone.NameStyle =
      zone.isDaylightSavingTime(for: date) ? .shortDaylightSaving : .shortStandard
    for locale in ["en_US", "en_GB", "en_AU", "en_IN"] {
      if let name = zone.localizedName(for: style, locale: Locale(identifier: locale)),
        name.allSatisfy({ $0.isLetter && $0.isASCII })
      {
        return name
      }
    }
    let minutes = abs(seconds) / 60
    return String(format: "%@%02d:%02d", seconds < 0 ? "-" : "+", minutes / 60, minutes % 60)
  }
}
