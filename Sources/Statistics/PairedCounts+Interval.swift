extension PairedCounts {
  /// How `deltaInterval` is found.
  public static let deltaMethod = IntervalMethod.bonettPrice

  /// 95 % interval of `delta`, by Wald's formula after half an image was added to each of the four
  /// kinds; of these only the total and the two kinds that differ matter.
  ///
  /// Enumerated over all answers of n images, its coverage is 95 to 98 % on average and nowhere below
  /// 89 % for n = 10, 92.8 % for 20, 93 % from 50 on. Tango's score interval is wider where few images
  /// tell the two apart and covers less at its worst for 20 and 100; the percentiles of the bootstrap
  /// over images cover as little as 82 % for 20 and 91 % for 100. It also agrees best with McNemar's
  /// exact test on whether 0 is within.
  ///
  /// **Edge cases** −1…1 without images. Where no image tells the two apart it still has a width:
  /// ±12.6 points for n = 20.
  ///
  /// **Source** Bonett & Price 2012, Journal of Educational and Behavioral Statistics 37:479;
  /// recommended by Fagerland, Lydersen & Laake 2014, Statistics in Medicine 33:2850.
  public var deltaInterval: ClosedRange<Double> {
    guard n > 0 else { return -1...1 }
    let count = Double(n + 2)
    let (first, second) = (Double(b + 1) / count, Double(c + 1) / count)
    let middle = second - first
    let reach = (Self.zz * (first + second - middle * middle) / count).squareRoot()
    return max(middle - reach, -1)...min(middle + reach, 1)
  }

  /// The square of the normal distribution's 97.5 % quantile.
  private static let zz = 3.841_458_820_694_123_6
}
