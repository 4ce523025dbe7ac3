import Foundation
import Synchronization

/// Identifiers that sort by time: 48 bits of milliseconds, 80 random bits, Crockford base 32.
///
/// **Source** github.com/ulid/spec, monotonic within a process.
public enum ULID {
  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
  private static let last = Mutex<UInt64>(0)

  /// A new identifier, 26 characters, greater than every earlier one of this process.
  ///
  /// No two of a process have one millisecond, so that the ten characters that lists show tell them
  /// apart: those made faster run ahead of the clock.
  public static func make(at date: Date = Date()) -> String {
    let now = UInt64(max(0, date.timeIntervalSince1970 * 1000))
    let time = last.withLock { last in
      last = max(now, last + 1)
      return last
    }
    return encode(time, 10) + encode(.random(in: 0..<(1 << 40)), 8)
      + encode(.random(in: 0..<(1 << 40)), 8)
  }

  /// The identifier of given random bits, of which the lowest 40 of each half count.
  public static func make(at date: Date, high: UInt64, low: UInt64) -> String {
    encode(UInt64(max(0, date.timeIntervalSince1970 * 1000)), 10) + encode(high, 8)
      + encode(low, 8)
  }

  /// Whether a text has an identifier's form.
  public static func isID(_ text: String) -> Bool {
    text.utf8.count == 26 && text.first.map { "01234567".contains($0) } ?? false
      && text.allSatisfy(alphabet.contains)
  }

  private static func encode(_ value: UInt64, _ digits: Int) -> String {
    String((0..<digits).reversed().map { alphabet[Int((value >> (5 * UInt64($0))) & 31)] })
  }
}
