import Foundation

/// The mean of repeated measurements with its spread.
public struct SampleMean: Hashable, Sendable {
  /// Number of measurements.
  public let n: Int
  /// Their mean.
  public let mean: Double
  /// Their standard deviation (n − 1); nil for one.
  public let deviation: Double?
  /// 95 % interval of the mean by Student's t; nil for one, and where a value is not finite.
  public let interval: ClosedRange<Double>?

  /// Of at least one value.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty, "a mean needs at least one value")
    n = values.count
    let mean = values.reduce(0, +) / Double(n)
    self.mean = mean
    guard n > 1 else {
      (deviation, interval) = (nil, nil)
      return
    }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(n - 1)).squareRoot()
    let reach = StudentT.reach(freedom: n - 1) * deviation / Double(n).squareRoot()
    self.deviation = deviation
    interval = reach.isFinite && mean.isFinite ? (mean - reach)...(mean + reach) : nil
  }
}
