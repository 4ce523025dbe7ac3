import Basics
import Foundation
import Records
import Statistics
import Testing

@Suite struct StatisticsTests {
  /// scipy.stats.binomtest(k, n).proportion_ci(method="wilson").
  @Test(arguments: [
    (0, 10, 0.0, 0.277_532_799_862_889_26),
    (10, 10, 0.722_467_200_137_110_9, 1.0),
    (85, 100, 0.767_164_404_091_676_3, 0.906_940_147_163_433_7),
    (452, 500, 0.875_013_037_572_484_8, 0.926_826_495_334_581),
  ])
  func wilson(successes: Int, n: Int, low: Double, high: Double) {
    let interval = WilsonInterval(successes: successes, of: n)
    #expect(abs(interval.low - low) < 1e-9)
    #expect(abs(interval.high - high) < 1e-9)
  }

  /// scipy.stats.binomtest(min(b, c), b + c).pvalue.
  @Test(arguments: [
    (0, 0, 1.0), (5, 5, 1.0), (1, 0, 1.0), (10, 2, 0.038_574_218_75), (0, 8, 0.007_812_5),
    (30, 60, 0.002_060_265_680_963_074_5),
  ])
  func mcNemar(b: Int, c: Int, p: Double) {
    let counts = PairedCounts(both: 3, b: b, c: c, neither: 1)
    #expect(abs(counts.pValue - p) < 1e-9)
    #expect(abs(counts.delta - Double(c - b) / Double(b + c + 4)) < 1e-15)
  }

  /// scipy.stats.t.interval(0.95, n − 1, mean, sem).
  static let samples: [([Double], Double, Double, Double)] = [
    ([0, 1], 0.5, 0.707_106_781_186_547_6, 6.353_102_368_087_347),
    ([1, 2, 3], 2, 1, 2.484_137_711_750_330_3),
    ((0...10).map(Double.init), 5, 3.316_624_790_355_4, 2.228_138_851_986_274),
    ((0..<121).map(Double.init), 60, 35.073_731_861_133_155, 6.313_049_830_142_387),
  ]

  @Test(arguments: samples)
  func means(values: [Double], mean: Double, deviation: Double, reach: Double) throws {
    let sample = SampleMean(values)
    #expect(sample.n == values.count && abs(sample.mean - mean) < 1e-12)
    #expect(abs(try #require(sample.deviation) - deviation) < 1e-9)
    let interval = try #require(sample.interval)
    #expect(abs((interval.upperBound - interval.lowerBound) / 2 / reach - 1) < 1e-7)
    #expect(abs((interval.upperBound + interval.lowerBound) / 2 - mean) < 1e-9)
  }

  @Test func oneMeasurementHasNoSpread() {
    let sample = SampleMean([0.5])
    #expect(sample.n == 1 && sample.mean == 0.5)
    #expect(sample.deviation == nil && sample.interval == nil)
  }

  /// Newcombe 1998, table II: 56/70 − 48/80 by method 10 is 0.0524 to 0.3339.
  @Test func unpairedDifferences() {
    let interval = differenceInterval((48, 80), (56, 70))
    #expect(abs(interval.lowerBound - 0.0524) < 5e-5)
    #expect(abs(interval.upperBound - 0.3339) < 5e-5)
    let mirrored = differenceInterval((56, 70), (48, 80))
    #expect(abs(mirrored.lowerBound + interval.upperBound) < 1e-12)
  }

  /// Five runs, two of them beaten; areas added up by hand.
  @Test func tradeOffs() {
    let costs = [10.0, 100, 50, 20, 60]
    let accuracies = [0.5, 0.9, 0.6, 0.8, 0.85]
    let plain = TradeOff(
      .init(isAccuracy: false, values: costs), .init(isAccuracy: true, values: accuracies))
    #expect(plain.front == [0, 3, 4, 1])
    #expect((0..<5).map { plain.champion(over: $0) } == [nil, nil, 3, nil, nil])
    #expect(plain.knee == 3)
    // A budget under 10 buys nothing, one from 10 on 0.5, from 20 on 0.8, from 60 on 0.85.
    let volume = plain.hypervolume(xReference: 100, yReference: 1)
    #expect(abs(volume - (10 * 0.5 + 40 * 0.8 + 40 * 0.85) / 100) < 1e-12)
    // Twice the budget: 0.9 for the second half.
    let more = plain.hypervolume(xReference: 200, yReference: 1)
    #expect(abs(more - (volume + 0.9) / 2) < 1e-12)
    // Half of it: what costs more counts for nothing.
    let less = plain.hypervolume(xReference: 50, yReference: 1)
    #expect(abs(less - (10 * 0.5 + 30 * 0.8) / 50) < 1e-12)

    let both = TradeOff(
      .init(isAccuracy: true, values: [0.9, 0.8, 0.7]),
      .init(isAccuracy: true, values: [0.2, 0.5, 0.4]))
    #expect(both.front == [0, 1])
    #expect(both.champion(over: 2) == 1 && both.knee == nil)
    #expect(abs(both.hypervolume(xReference: 0, yReference: 0) - (0.9 * 0.2 + 0.8 * 0.3)) < 1e-12)
    let costly = TradeOff(
      .init(isAccuracy: false, values: [1, 2, 3]), .init(isAccuracy: false, values: [4, 1, 2]))
    #expect(costly.front == [0, 1])
    #expect(costly.champion(over: 2) == 1)
  }

  @Test func paretoFrontKeepsTies() {
    let front = paretoFront([(10, 0.5), (20, 0.9), (15, 0.4), (20, 0.9), (5, 0.5), (40, 0.8)])
    #expect(front == [4, 1, 3])
    #expect(paretoFront([]).isEmpty)
  }
}
