import Statistics
import Testing

@Suite struct CertifiedRadiusTests {
  /// The bound by bisection on exact binomial sums (Python's decimal, 60 digits), τ·Φ⁻¹ of it by
  /// Python's statistics.NormalDist.
  @Test(arguments: [
    (1000, 1000, 2.463_262_614_780_81), (990, 1000, 1.978_009_582_141_199),
    (560, 1000, 0.026_863_739_626_879_66), (540, 1000, 0), (99, 100, 1.349_259_038_810_390_4),
    (100, 100, 1.500_475_024_120_635_7), (80, 100, 0.394_942_318_915_809_9), (3, 3, 0), (0, 5, 0),
  ])
  func radius(votes: Int, draws: Int, expected: Double) {
    for deviation in [0.25, 1] {
      let found = CertifiedRadius.radius(votes: votes, of: draws, deviation: deviation)
      #expect(abs(found - deviation * expected) < 1e-9)
    }
  }

  /// A million draws, whose continued fraction takes more terms: the bound by bisection on binomial sums
  /// (Python's lgamma), which rounding leaves nine digits.
  @Test func manyDrawsAreBoundedToo() {
    let found = CertifiedRadius.radius(votes: 600_000, of: 1_000_000, deviation: 1)
    #expect(abs(found - 0.249_427_481) < 2e-9)
  }

  /// More votes never certify less, up to the most that there can be.
  @Test func moreVotesCertifyMore() {
    let radii = (0...200).map { CertifiedRadius.radius(votes: $0, of: 200, deviation: 0.5) }
    #expect(zip(radii, radii.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(radii[100] == 0 && radii[200] > 0.8)
  }
}
