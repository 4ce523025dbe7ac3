import Foundation

/// Two classifiers on the same images: how often each was right.
public struct PairedCounts: Hashable, Sendable {
  /// Right in both.
  public var both: Int
  /// Right in the first only.
  public var b: Int
  /// Right in the second only.
  public var c: Int
  /// Right in neither.
  public var neither: Int

  /// The counts as given.
  public init(both: Int, b: Int, c: Int, neither: Int) {
    (self.both, self.b, self.c, self.neither) = (both, b, c, neither)
  }

  /// Number of images.
  public var n: Int { both + b + c + neither }
  /// Accuracy of the second minus that of the first; 0 without images.
  public var delta: Double { n == 0 ? 0 : Double(c - b) / Double(n) }

  /// Two-sided p of McNemar's exact test: under equal accuracy b ~ Binomial(b + c, ½).
  ///
  /// **Source** McNemar 1947, Psychometrika 12:153.
  public var pValue: Double {
    let total = b + c
    guard total > 0 else { return 1 }
    let half = Double(total) * log(2.0)
    let tail = (0...min(b, c)).reduce(0.0) { sum, k in
      sum
        + exp(
          lgamma(Double(total + 1)) - lgamma(Double(k + 1)) - lgamma(Double(total - k + 1)) - half)
    }
    return min(1, 2 * tail)
  }
}
