import Foundation

/// What was measured at one step: a value for each of some names.
public struct MetricEntry: Hashable, Sendable {
  /// From 0; nil: one after the greatest step of the run so far, 0 for the first.
  public var step: Int?
  /// By name. NaN is kept as "not a number", infinities as such.
  public var values: [String: Double]
  /// When.
  public var time: Date

  /// The entry as given.
  public init(_ values: [String: Double], step: Int? = nil, time: Date = Date()) {
    self.step = step
    self.values = values
    self.time = time
  }
}
