import Basics
import Foundation
import RunStore
import TestSupport
import Testing

@Suite struct TimeRangeTests {
  /// Wednesday, 2026-05-20, 14:30:15 in a zone two hours east of Greenwich.
  private static let calendar: Calendar = {
    var calendar = Calendar(identifier: .iso8601)
    calendar.timeZone = TimeZone(secondsFromGMT: 7200) ?? .gmt
    return calendar
  }()
  private static let now = Date(timeIntervalSince1970: 1_779_280_215)

  private func text(_ date: Date?) -> String {
    date?.ISO8601Format().replacing(":00Z", with: "Z") ?? "–"
  }

  @Test(arguments: [
    ("today", "2026-05-19T22:00Z", "2026-05-20T22:00Z"),
    ("yesterday", "2026-05-18T22:00Z", "2026-05-19T22:00Z"),
    ("this hour", "2026-05-20T12:00Z", "–"), ("this week", "2026-05-17T22:00Z", "–"),
    ("this month", "2026-04-30T22:00Z", "–"), ("this year", "2025-12-31T22:00Z", "–"),
    ("last 2 days", "2026-05-18T12:30:15Z", "–"), ("last hour", "2026-05-20T11:30:15Z", "–"),
    ("Last 3 Months", "2026-02-20T12:30:15Z", "–"),
    ("last 90 minutes", "2026-05-20T11:00:15Z", "–"),
    ("2026-05-01", "2026-04-30T22:00Z", "2026-05-01T22:00Z"),
    ("2026-05-01 09:30", "2026-05-01T07:30Z", "–"), ("9:05", "2026-05-20T07:05Z", "–"),
    ("before 2026-05-01", "–", "2026-04-30T22:00Z"),
    ("after 2026-05-01 14:00", "2026-05-01T12:00Z", "–"),
    ("between 2026-05-01 and 2026-05-03", "2026-04-30T22:00Z", "2026-05-03T22:00Z"),
    ("between 9:00 and 12:00", "2026-05-20T07:00Z", "2026-05-20T10:00Z"),
    ("between yesterday and today", "2026-05-18T22:00Z", "2026-05-20T22:00Z"),
  ])
  func ranges(range: String, from: String, to: String) throws {
    let found = try TimeRange(range, now: Self.now, calendar: Self.calendar)
    #expect(text(found.from) == from)
    #expect(text(found.to) == to)
  }

  @Test(arguments: [
    "", "soon", "last", "last 0 days", "last two days", "last 2 fortnights", "this", "2026-02-31",
    "2026-13-01", "25:00", "9:61", "before", "between 12:00 and 9:00", "between 9:00", "after x",
    "2026-05-01' OR 1=1 --",
  ])
  func malformed(range: String) {
    let error = #expect(throws: ElbowError.self) {
      try TimeRange(range, now: Self.now, calendar: Self.calendar)
    }
    #expect(error?.code == .malformed)
  }
}
