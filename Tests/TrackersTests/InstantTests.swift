import Testing

import Trackers

/// Times as trackers write them.
struct InstantTests {
  @Test(arguments: [
    ("1970-01-01", 0), ("2000-03-01T00:00:00Z", 951_868_800_000),
    ("2026-11-28T23:51:38.970868+00:00", 1_795_909_898_971),
    ("2024-02-29 12:00:00.5+01:30", 1_709_202_600_500), ("1700000000", 1_700_000_000_000),
    ("1700000000123", 1_700_000_000_123), ("1969-12-31T23:59:59.999Z", -1),
  ])
  func aTimeIsRead(text: String, milliseconds: Int) {
    #expect(Instant.milliseconds(text) == milliseconds)
  }

  @Test(arguments: ["", "yesterday", "2026-13-01", "inf", "nan", "1e300", "2026-01-01T1:00"])
  func anythingElseIsNone(text: String) { #expect(Instant.milliseconds(text) == nil) }
}
