import Foundation
import Synchronization

/// Identifiers that sort by time: 48 bits of milliseconds, 80 random bits, Crockford base 32.
///
/// **Source** github.com/ulid/spec, monotonic within a process.
public enum ULID {
  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
  private static let last = Mutex<(time: UInt64, high: UInt64, low: UInt64)>((0, 0, 0))

  /// A new identifier, 26 characters, greater than every earlier one of this process.
  public static func make(at date: Date = Date()) -> String {
    let now = UInt64(max(0, date.timeIntervalSince1970 * 1000))
    let parts = last.withLock { last in
      if now > last.time {
        // One bit stays free, so that counting up never runs over.
        last = (now, .random(in: 0..<(1 << 39)), .random(in: 0..<(1 << 40)))
      } else {
        last.low += 1
        if last.low == 1 << 40 { (last.high, last.low) = (last.high + 1, 0) }
      }
      return last
    }
    return encode(parts.time, 10) + encode(parts.high, 8) + encode(parts.low, 8)
  }

  /// The identifier of given random bits, of which the lowest 40 of each half count.
  public static func make(at date: Date, high: UInt64, low: UInt64) -> String {
    encode(UInt64(max(0, date.timeIntervalSince1970 * 1000)), 10) + encode(high, 8)
      + encode(low, 8)
  }

  private static func encode(_ value: UInt64, _ digits: Int) -> String {
    String((0..<digits).reversed().map { alphabet[Int((value >> (5 * UInt64($0))) & 31)] })
  }
}
