import Foundation
import Reporting
import Statistics
import Testing

@Suite struct TimeDisplayTests {
  private func times(_ zone: String) throws -> TimeDisplay {
    // 2026-11-28T09:12:00Z
    TimeDisplay(
      now: Date(timeIntervalSince1970: 1_795_857_120),
      zone: try #require(TimeZone(identifier: zone)))
  }

  @Test(arguments: [
    ("Europe/Berlin", "2026-11-28T08:12:03Z", "2026-11-28 09:12 CET"),
    ("Europe/Berlin", "2026-07-01T22:30:00.125Z", "2026-07-02 00:30 CEST"),
    ("America/New_York", "2026-11-28T08:12:03Z", "2026-11-28 03:12 EST"),
    ("Asia/Kathmandu", "2026-11-28T08:12:03Z", "2026-11-28 13:57 +05:45"),
    ("America/St_Johns", "2026-11-28T02:12:03Z", "2026-11-27 22:42 -03:30"),
    ("UTC", "2026-11-28T08:12:03Z", "2026-11-28 08:12 UTC"),
    ("UTC", "yesterday", "yesterday"),
  ])
  func moments(zone: String, stored: String, shown: String) throws {
    #expect(try times(zone).moment(stored) == shown)
  }

  @Test(arguments: [
    ("2026-11-28T09:12:00Z", "now"), ("2026-11-28T09:12:30Z", "now"),
    ("2026-11-28T09:11:20.5Z", "39 s ago"), ("2026-11-28T08:12:01Z", "59 min ago"),
    ("2026-11-28T06:12:00Z", "3 h ago"), ("2026-11-27T09:12:01Z", "23 h ago"),
    ("2026-11-21T09:12:01Z", "6 d ago"), ("2026-11-20T23:30:00Z", "2026-11-21"),
    ("2026-11-28T09:14:00Z", "2026-11-28 10:14 CET"), ("", ""),
  ])
  func agos(stored: String, shown: String) throws {
    #expect(try times("Europe/Berlin").ago(stored) == shown)
  }

  /// Years are those of the calendar that is given.
  @Test func calendars() throws {
    let buddhist = TimeDisplay(
      now: .now, calendar: Calendar(identifier: .buddhist),
      zone: try #require(TimeZone(identifier: "UTC")))
    #expect(buddhist.moment("2026-11-28T08:12:03Z") == "2569-11-28 08:12 UTC")
  }
}
