import Basics
import Foundation
import Records
import Reporting
import Statistics
import Testing

@Suite struct PairedIntervalTests {
  /// (1 + 1)/23 and (7 + 1)/23: 6/23 ± 1.96 √((10/23 − (6/23)²)/23).
  @Test func byHand() {
    let interval = PairedCounts(both: 1, b: 1, c: 7, neither: 12).deltaInterval
    #expect(abs(interval.lowerBound - 0.013_379_8) < 1e-6)
    #expect(abs(interval.upperBound - 0.508_359_3) < 1e-6)
    let mirrored = PairedCounts(both: 1, b: 7, c: 1, neither: 12).deltaInterval
    #expect(abs(mirrored.lowerBound + interval.upperBound) < 1e-12)
  }

  /// Without an image that tells the two apart, what n images can rule out.
  @Test func equalAnswersAreNoProof() {
    let interval = PairedCounts(both: 15, b: 0, c: 0, neither: 5).deltaInterval
    #expect(interval.lowerBound == -interval.upperBound)
    #expect(abs(interval.upperBound - 0.125_991_3) < 1e-6)
    #expect(PairedCounts(both: 0, b: 0, c: 0, neither: 0).deltaInterval == -1...1)
    #expect(PairedCounts(both: 0, b: 0, c: 1, neither: 0).deltaInterval.upperBound == 1)
  }

  /// How often the interval holds the difference, over all answers of n images, for shares of images
  /// that only one gets right from 0 to 1: what its documentation says.
  @Test(arguments: [(10, 0.89), (20, 0.925), (50, 0.93)])
  func coverage(n: Int, least: Double) {
    let logarithms = (0...n).map { (i: Int) -> Double in lgamma(Double(i + 1)) }
    let outcomes = (0...n).flatMap { b in
      (0...(n - b)).map { c in
        let rest = n - b - c
        let ways = exp(logarithms[n] - logarithms[b] - logarithms[c] - logarithms[rest])
        let interval = PairedCounts(both: rest, b: b, c: c, neither: 0).deltaInterval
        return (b: b, c: c, rest: rest, ways: ways, interval: interval)
      }
    }
    var coverages: [Double] = []
    for p in stride(from: 0, through: 1, by: 0.05) {
      for q in stride(from: 0, through: 1 - p, by: 0.05) {
        let powers = [p, q, max(1 - p - q, 0)].map { share in
          (0...n).map { pow(share, Double($0)) }
        }
        let truth = q - p
        coverages.append(
          outcomes.reduce(0) { sum, one in
            guard
              one.interval.lowerBound - 1e-12 <= truth, truth <= one.interval.upperBound + 1e-12
            else { return sum }
            return sum + one.ways * powers[0][one.b] * powers[1][one.c] * powers[2][one.rest]
          })
      }
    }
    #expect((coverages.min() ?? 0) > least)
    let mean = coverages.reduce(0, +) / Double(coverages.count)
    #expect((0.95...0.98).contains(mean), "\(mean)")
  }
}

@Suite struct PairedBootstrapTests {
  /// How likely each sum of n draws from −1, 0 and 1 is, by adding one draw after another: the
  /// bootstrap's distribution without its resampling, and without a binomial.
  private static func exact(_ counts: PairedCounts) -> [Double] {
    let n = counts.n
    let (down, up) = (Double(counts.b) / Double(n), Double(counts.c) / Double(n))
    var shares = [Double](repeating: 0, count: 2 * n + 1)
    shares[n] = 1
    for _ in 0..<n {
      shares = shares.indices.map { i in
        (i > 0 ? up * shares[i - 1] : 0) + (1 - up - down) * shares[i]
          + (i < 2 * n ? down * shares[i + 1] : 0)
      }
    }
    return shares
  }

  /// Its bounds have 2.5 % of the exact distribution outside, as near as 10,000 resamples tell: four
  /// standard errors are 0.62 %.
  @Test(arguments: [
    (3, 2, 5, 0), (40, 1, 7, 2), (60, 12, 9, 19), (300, 20, 35, 145), (700, 0, 3, 297),
    (0, 30, 20, 0),
  ])
  func boundsAreThoseOfTheExactDistribution(both: Int, b: Int, c: Int, neither: Int) {
    let counts = PairedCounts(both: both, b: b, c: c, neither: neither)
    let (n, interval) = (counts.n, counts.bootstrapInterval)
    let shares = Self.exact(counts)
    let low = Int((interval.lowerBound * Double(n)).rounded()) + n
    let high = Int((interval.upperBound * Double(n)).rounded()) + n
    let error = 0.0062
    #expect(shares[..<low].reduce(0, +) < 0.025 + error)
    #expect(shares[...low].reduce(0, +) > 0.025 - error)
    #expect(shares[(high + 1)...].reduce(0, +) < 0.025 + error)
    #expect(shares[high...].reduce(0, +) > 0.025 - error)
  }

  /// numpy, Generator.multinomial(n, counts/n, 4,000,000): its 2.5 % and 97.5 % percentiles.
  @Test(arguments: [
    (4200, 150, 230, 420, 0.0084, 0.0236), (900, 30, 5, 65, -0.037, -0.014),
  ])
  func percentilesOfManyResamples(
    both: Int, b: Int, c: Int, neither: Int, low: Double, high: Double
  ) {
    let interval = PairedCounts(both: both, b: b, c: c, neither: neither).bootstrapInterval
    // Four standard errors of a percentile of 10,000 draws: 0.107 standard deviations.
    let n = Double(both + b + c + neither)
    let delta = Double(c - b) / n
    let deviation = ((Double(b + c) / n - delta * delta) / n).squareRoot()
    #expect(abs(interval.lowerBound - low) < 0.107 * deviation + 1 / n)
    #expect(abs(interval.upperBound - high) < 0.107 * deviation + 1 / n)
  }

  @Test func itIsTheSameEveryTimeAndMirrored() {
    let counts = PairedCounts(both: 60, b: 12, c: 9, neither: 19)
    #expect(counts.bootstrapInterval == counts.bootstrapInterval)
    let mirrored = PairedCounts(both: 60, b: 9, c: 12, neither: 19).bootstrapInterval
    #expect(mirrored.lowerBound == -counts.bootstrapInterval.upperBound)
    #expect(mirrored.upperBound == -counts.bootstrapInterval.lowerBound)
  }

  @Test func edges() {
    #expect(PairedCounts(both: 0, b: 0, c: 0, neither: 0).bootstrapInterval == -1...1)
    #expect(PairedCounts(both: 15, b: 0, c: 0, neither: 5).bootstrapInterval == 0...0)
    #expect(PairedCounts(both: 0, b: 0, c: 9, neither: 0).bootstrapInterval == 1...1)
    #expect(PairedCounts(both: 0, b: 9, c: 0, neither: 0).bootstrapInterval == -1 ... -1)
  }
}

@Suite struct RepeatedAccuracyTests {
  /// Three seeds that all get the same five images right know five images, not fifteen.
  @Test func seedsAreNoImages() {
    let accuracy = RepeatedAccuracy([(5, 5), (5, 5), (5, 5)])
    #expect(accuracy.mean == 1 && accuracy.deviation == 0 && accuracy.images == 5)
    #expect(abs(accuracy.interval.lowerBound - WilsonInterval(successes: 5, of: 5).low) < 1e-12)
    #expect(accuracy.interval.upperBound == 1)
    #expect(accuracy.method == .wilsonAndStudentT)
  }

  /// Wilson's of 80 of 100 is 71.1 to 86.7; t = 4.30 of two degrees gives ±24.8.
  @Test func imagesAndSeedsAddInSquares() {
    let accuracy = RepeatedAccuracy([(80, 100), (90, 100), (70, 100)])
    let down = (0.8 - 0.711_170_834_3) * (0.8 - 0.711_170_834_3)
    let seeds = 0.248_413_771_175_033 * 0.248_413_771_175_033
    #expect(abs(accuracy.interval.lowerBound - (0.8 - (down + seeds).squareRoot())) < 1e-8)
    #expect(accuracy.interval.upperBound == 1)
    #expect(abs((accuracy.deviation ?? 0) - 0.1) < 1e-12)
  }

  @Test func oneRunHasWilsonsInterval() {
    let accuracy = RepeatedAccuracy([(85, 100)])
    let wilson = WilsonInterval(successes: 85, of: 100)
    #expect(abs(accuracy.interval.lowerBound - wilson.low) < 1e-12)
    #expect(abs(accuracy.interval.upperBound - wilson.high) < 1e-12)
    #expect(accuracy.method == .wilson && accuracy.deviation == nil)
  }

  /// Where images are easy or hard and seeds good or bad the interval holds the accuracy at least as
  /// often as it says; Student's t over seeds does not.
  @Test func coverage() {
    var generator = SplitMix(state: 1)
    func uniform() -> Double { Double.random(in: 0..<1, using: &generator) }
    var (held, heldByT) = (0, 0)
    let trials = 1000
    for _ in 0..<trials {
      let images = (0..<50).map { _ in uniform() < 0.5 ? 0.35 : 0.95 }
      let runs = (0..<3).map { _ -> (correct: Int, of: Int) in
        let shift = 0.1 * uniform() - 0.05
        return (images.count { uniform() < $0 + shift }, images.count)
      }
      if RepeatedAccuracy(runs).interval.contains(0.65) { held += 1 }
      let sample = SampleMean(runs.map { Double($0.correct) / Double($0.of) })
      if sample.interval?.contains(0.65) == true { heldByT += 1 }
    }
    #expect(held >= trials * 95 / 100, "\(held)")
    #expect(heldByT < trials * 90 / 100, "\(heldByT)")
  }

  @Test func runsAreGroupedOverSeeds() throws {
    func row(_ id: String, _ strategy: String, _ seed: Int64, _ right: Int64) -> [Cell] {
      [
        .text(id), .real(Double(right) / 100), .integer(right), .integer(100), .real(10), .real(0),
        seed == 2 ? .null : .real(0.5), .text(strategy), .integer(seed),
      ]
    }
    let columns = RunGroups.needed + ["strategy", "seed"]
    let runs = ResultTable(
      columns: columns,
      rows: [
        row("a", "x", 0, 80), row("b", "y", 0, 50), row("c", "x", 1, 90), row("d", "x", 2, 70),
      ]
    )
    let groups = try RunGroups.table(runs, by: ["strategy"], over: "seed")
    #expect(
      groups.columns == [
        "strategy", "n", "n_images", "accuracy", "accuracy_sd", "accuracy_low", "accuracy_high",
        "accuracy_method", "nfe_per_image", "gradients_per_image", "seconds_per_image",
      ])
    #expect(groups.rows.map { $0[0] } == [.text("x"), .text("y")])
    #expect(groups[0, "n"] == .integer(3) && groups[0, "n_images"] == .integer(100))
    #expect(
      groups[1, "accuracy_sd"] == .null && groups[1, "accuracy_method"] == .text("Wilson score"))
    #expect(groups[0, "accuracy_high"] == .real(1) && groups[0, "seconds_per_image"] == .real(0.5))
    #expect(
      TableFormat.markdown.render(RunGroups.summary(groups)) == """
        | strategy | runs × images | mean accuracy % (95 %) | sd | NFE | gradients | s/image |
        | --- | --- | --- | ---: | ---: | ---: | ---: |
        | x | 3 × 100 | 80.0 (53.6–100.0) | 10.0 | 10.0 | 0.0 | 0.500 |
        | y | 1 × 100 | 50.0 (40.4–59.6) | – | 10.0 | 0.0 | 0.500 |

        """)
    #expect(TableFormat.latex.render(RunGroups.summary(groups)).contains("& 3 $\\times$ 100 &"))
    // The same seed twice is one measurement, not two.
    let twice = ResultTable(columns: columns, rows: runs.rows + [row("e", "x", 1, 90)])
    let twins = try #require(throws: RunGroups.Repetition.self) {
      try RunGroups.table(twice, by: ["strategy"], over: "seed")
    }
    #expect((twins.first, twins.second, twins.value) == ("c", "e", "1"))
  }

  /// Of repeats of a question the newest live run stays; runs of other questions, and those that
  /// Elbow did not ask, all do.
  @Test func olderRepeatsAreLeftOut() {
    func row(_ id: String, _ question: String?, _ seed: Int64, replay: Bool = false) -> [Cell] {
      [
        .text(id), .real(1), .integer(2), .integer(2), .real(10), .real(0), .real(1),
        question.map { .text($0) } ?? .null, replay ? .text("a") : .null, .text("s"),
        .integer(seed),
      ]
    }
    let runs = ResultTable(
      columns: RunGroups.needed + ["question", "replay_of", "strategy", "seed"],
      rows: [
        row("c", "q", 0, replay: true), row("b", "q", 0), row("a", "q", 0), row("d", "r", 0),
        row("e", nil, 0), row("f", nil, 0), row("g", "t", 1, replay: true),
        row("h", "t", 1, replay: true),
      ])
    let newest = RunGroups.newest(runs, by: ["strategy"], over: "seed")
    #expect(newest.rows.map { $0[0].string } == ["b", "d", "e", "f", "h"])
    #expect(RunGroups.newest(runs, by: ["strategy"], over: "id") == runs)
    #expect(RunGroups.note(older: 0) == nil)
    #expect(RunGroups.note(older: 2) == "2 older repeats of the same questions are left out")
  }
}

/// A small generator with a seed.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
