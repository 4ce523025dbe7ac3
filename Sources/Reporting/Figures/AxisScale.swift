import Basics
import Foundation

/// Where values lie on an axis, and which of them are marked.
package struct AxisScale: Hashable, Sendable {
  /// The ends, in values.
  package let low, high: Double
  private let isLogarithmic: Bool
  private let isPercent: Bool

  /// A scale over all of `values`.
  ///
  /// - Parameter padding: share of the axis, on a logarithmic one decades, that stays free at each
  ///   end where values lie there.
  package init(_ axis: Figure.Axis, over values: [Double], padding: Double = 0) {
    (isLogarithmic, isPercent) = (axis.isLogarithmic, axis.isPercent)
    // Beyond this no spread is a number any more.
    let finite = values.filter { $0.magnitude < 1e300 && (!axis.isLogarithmic || $0 > 1e-300) }
    let (least, most) = (finite.min() ?? (axis.isLogarithmic ? 1 : 0), finite.max() ?? 1)
    if axis.isPercent {
      // Whole steps of 5 %, at least two of them.
      low = floor(least / 5) * 5
      high = max(ceil(most / 5) * 5, low + 10)
    } else if axis.isLogarithmic {
      let room = most > least ? padding : max(padding, 0.3)
      (low, high) = (least * pow(10, -room), most * pow(10, room))
    } else {
      let spread = most > least ? most - least : max(abs(most), 1)
      (low, high) = (least - padding * spread, most + padding * spread)
    }
  }

  /// The share of the axis at a value; beyond 0…1 outside.
  package func position(_ value: Double) -> Double {
    guard isLogarithmic else { return (value - low) / (high - low) }
    return (log10(max(value, low / 1e3)) - log10(low)) / (log10(high) - log10(low))
  }

  /// The value at a share of the axis.
  package func value(_ position: Double) -> Double {
    guard isLogarithmic else { return low + (high - low) * position }
    return pow(10, log10(low) + (log10(high) - log10(low)) * position)
  }

  /// Round values within the axis, rising: 1, 2 and 5 of each decade, or about `count` even steps.
  package func ticks(_ count: Int) -> [Double] {
    if isLogarithmic {
      return stride(from: log10(low).rounded(.down), through: log10(high), by: 1)
        .flatMap { exponent in [1.0, 2, 5].map { $0 * pow(10, exponent) } }
        .filter { (low...high).contains($0) }
    }
    let rough = (high - low) / Double(max(count, 1))
    let power = pow(10, floor(log10(rough)))
    let step = ([1.0, 2, 5].first { $0 * power >= rough * 0.99 } ?? 10) * power
    let first = (low / step).rounded(.up)
    let last = Int(nearest: (high / step - first + 1e-9).rounded(.down))
    // Where the ends are too near for numbers to tell apart there is nothing between them.
    guard (0...10 * max(count, 1)).contains(last) else { return [low] }
    return (0...last)
      .map { (first + Double($0)) * step }
  }

  /// A mark's text, no longer than seven characters.
  package func text(_ value: Double) -> String {
    if isPercent { return String(format: "%5.1f %%", value) }
    // What rounding leaves of zero is zero.
    let tidy = abs(value) < 1e-9 * (high - low) && !isLogarithmic ? 0 : value
    if tidy.magnitude >= 1000, tidy.magnitude < 1e6 { return String(format: "%.0f", tidy) }
    let text = String(format: "%.3g", tidy)
    return text.count > 7 ? String(format: "%.1g", tidy) : text
  }
}
