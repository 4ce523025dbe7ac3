import Basics
import Foundation

/// Points in time as trackers write them, in milliseconds since 1970, UTC.
package enum Instant {
  /// The time of a text: ISO 8601, with a space or a T in the middle, of UTC where it names no zone;
  /// or a number of seconds, or of milliseconds, since 1970. nil for anything else.
  package static func milliseconds(_ text: some StringProtocol) -> Int? {
    if let number = Double(text) {
      guard number.isFinite, number.magnitude < 1e14 else { return nil }
      return Int((number.magnitude < 1e11 ? number * 1000 : number).rounded())
    }
    // By hand: points are read by the million.
    var rest = Array(text.utf8)[...]
    func take(_ characters: String) -> UInt8? {
      guard let first = rest.first, characters.utf8.contains(first) else { return nil }
      rest.removeFirst()
      return first
    }
    func number(_ digits: Int) -> Int? {
      let some = rest.prefix(digits)
      guard some.count == digits, some.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
      rest.removeFirst(digits)
      return some.reduce(0) { 10 * $0 + Int($1) - 0x30 }
    }
    guard let year = number(4), take("-") != nil, let month = number(2), take("-") != nil,
      let day = number(2), 1...12 ~= month, 1...31 ~= day
    else { return nil }
    var (seconds, thousandths) = (0, 0)
    if take("T ") != nil {
      guard let hour = number(2), take(":") != nil, let minute = number(2) else { return nil }
      seconds = 3600 * hour + 60 * minute
      if take(":") != nil {
        guard let second = number(2) else { return nil }
        seconds += second
        if take(".") != nil {
          let digits = rest.prefix { 0x30...0x39 ~= $0 }
          guard let fraction = Double("0." + String(decoding: digits, as: UTF8.self)) else {
            return nil
          }
          rest = rest.dropFirst(digits.count)
          thousandths = Int((fraction * 1000).rounded())
        }
      }
    }
    if take("Z") == nil, let sign = take("+-") {
      guard let hour = number(2) else { return nil }
      _ = take(":")
      guard let minute = number(2) else { return nil }
      seconds -= (sign == UInt8(ascii: "-") ? -1 : 1) * (3600 * hour + 60 * minute)
    }
    guard rest.isEmpty else { return nil }
    return (days(year, month, day) * 86400 + seconds) * 1000 + thousandths
  }

  /// Days from 1970 to a day of the Gregorian calendar.
  ///
  /// **Source** Years begin in March, so that the day that may be missing comes last.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month < 3 ? year - 1 : year
    let passed = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return 365 * year + year / 4 - year / 100 + year / 400 + passed - 719_468
  }
}
