import Foundation

/// Lengths of time as people read and write them.
package enum Durations {
  /// As `1:02:03` or `2:03`; at most three years.
  package static func clock(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "?" }
    let s = Int(max(0, min(seconds.rounded(), 1e8)))
    return s >= 3600
      ? String(format: "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60)
      : String(format: "%d:%02d", s / 60, s % 60)
  }

  /// Seconds of `90s`, `30m`, `2h`, or a plain number; nil for anything else, and for what is not
  /// positive.
  package static func seconds(_ text: String) -> Double? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    let digits = unit == nil ? text[...] : text.dropLast()
    guard let value = Double(digits), value > 0, value.isFinite else { return nil }
    return value * (unit ?? 1)
  }
}

extension Duration {
  /// In seconds.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
