import Foundation

extension PairedCounts {
  /// How `bootstrapInterval` is found.
  public static let bootstrapMethod = IntervalMethod.pairedBootstrap
  /// Resamples of `bootstrapInterval`.
  public static let resamples = 10_000

  /// 95 % interval of `delta` by the percentiles of the paired bootstrap: the 250th smallest and the
  /// 250th largest difference of 10,000 resamples.
  ///
  /// A resample draws n images with replacement, each with what both classifiers said of it, so that the
  /// four counts of it are multinomial with the shares of these. It is drawn as such: how many of n
  /// images tell the two apart, Bin(n, (b + c)/n), and how many of them the second gets right,
  /// Bin(·, c/(b + c)). The seed is the same for all, so that equal counts have equal intervals; those
  /// with the two classifiers exchanged have it mirrored.
  ///
  /// It is what many papers report; `deltaInterval`, whose documentation compares the two, holds the
  /// difference more often on few images.
  ///
  /// **Edge cases** −1…1 without images. Of no width where no image, or every one, tells the two apart
  /// in the same way: what was not seen is not resampled.
  ///
  /// **Source** Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, §13.3.
  public var bootstrapInterval: ClosedRange<Double> {
    guard n > 0 else { return -1...1 }
    guard b <= c else {
      let mirrored = PairedCounts(both: both, b: c, c: b, neither: neither).bootstrapInterval
      return -mirrored.upperBound ... -mirrored.lowerBound
    }
    guard c > 0 else { return 0...0 }
    let (apart, second) = (Double(b + c) / Double(n), Double(c) / Double(b + c))
    var uniform = SplitMix64(state: Self.seed)
    let differences = (0..<Self.resamples).map { _ -> Int in
      let count = Self.binomial(n, apart, uniform.next())
      return 2 * Self.binomial(count, second, uniform.next()) - count
    }.sorted()
    let outside = Self.resamples / 40
    return Double(differences[outside - 1]) / Double(n)...Double(
      differences[Self.resamples - outside]) / Double(n)
  }

  private static let seed: UInt64 = 10_000

  /// The draw of Bin(n, p) that belongs to a uniform number, by inversion from the most likely count
  /// outwards, in as many steps as its standard deviation has counts.
  ///
  /// - Parameters:
  ///   - n: at least 0.
  ///   - p: 0…1.
  ///   - uniform: 0..<1.
  private static func binomial(_ n: Int, _ p: Double, _ uniform: Double) -> Int {
    guard n > 0, p > 0 else { return 0 }
    guard p < 1 else { return n }
    let count = Double(n)
    let mode = min((count + 1) * p, count).rounded(.down)
    let ways = lgamma(count + 1) - lgamma(mode + 1) - lgamma(count - mode + 1)
    let most = exp(ways + mode * log(p) + (count - mode) * log1p(-p))
    let odds = p / (1 - p)
    var rest = uniform - most
    var (above, below) = ((mode, most), (mode, most))
    // What is left of the uniform number where both tails have run out is rounding.
    while rest > 0, above.1 + below.1 > 0 {
      above.1 *= (count - above.0) / (above.0 + 1) * odds
      above.0 += 1
      rest -= above.1
      if rest <= 0 { return Int(above.0) }
      below.1 *= below.0 / (count - below.0 + 1) / odds
      below.0 -= 1
      rest -= below.1
      if rest <= 0 { return Int(below.0) }
    }
    return Int(mode)
  }
}

/// Uniform numbers that follow from a state.
///
/// **Source** Steele, Lea & Flood 2014, *Fast splittable pseudorandom number generators*.
private struct SplitMix64 {
  var state: UInt64

  /// 0..<1, by 53 bits.
  mutating func next() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((bits ^ (bits >> 31)) >> 11) * 0x1p-53
  }
}
