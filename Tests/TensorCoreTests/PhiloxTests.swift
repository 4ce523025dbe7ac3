import Foundation
import TensorCore
import Testing

@Suite struct PhiloxTests {
  /// Known answers of Random123 1.14, `kat_vectors`, philox4x32 with 10 rounds.
  @Test(arguments: [
    (
      SIMD4<UInt32>(repeating: 0), SIMD2<UInt32>(repeating: 0),
      SIMD4<UInt32>(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
    ),
    (
      SIMD4<UInt32>(repeating: .max), SIMD2<UInt32>(repeating: .max),
      SIMD4<UInt32>(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
    ),
    (
      SIMD4<UInt32>(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
      SIMD2<UInt32>(0xa409_3822, 0x299f_31d0),
      SIMD4<UInt32>(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
    ),
  ])
  func knownAnswers(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, expected: SIMD4<UInt32>) {
    #expect(Philox4x32.block(counter: counter, key: key) == expected)
  }

  @Test func streamsCountBlocksInWordZero() {
    var stream = RandomStream(key: SIMD2(5, 6), counter: SIMD3(7, 8, 9))
    let words = (0..<8).map { _ in stream.nextWord() }
    for block in 0..<2 {
      let expected = Philox4x32.block(
        counter: SIMD4(UInt32(block), 7, 8, 9), key: SIMD2(5, 6))
      #expect(words[4 * block..<4 * block + 4].elementsEqual((0..<4).map { expected[$0] }))
    }
  }

  /// 100,000 numbers: the mean's standard error is 0.0032, the variance's 0.0045, that of the share
  /// beyond 2 σ (4.55 %) 0.00066; five of each is the bound.
  @Test func gaussiansAreStandardNormal() {
    var stream = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    var values = [Float](repeating: 0, count: 100_000)
    var span = values.mutableSpan
    stream.gaussians(into: &span)
    let mean = values.reduce(0.0) { $0 + Double($1) } / 1e5
    let variance = values.reduce(0.0) { $0 + Double($1) * Double($1) } / 1e5
    let beyond = Double(values.count { $0.magnitude > 2 }) / 1e5
    #expect(abs(mean) < 0.016)
    #expect(abs(variance - 1) < 0.023)
    #expect(abs(beyond - 0.0455) < 0.0033)
  }

  @Test func shorterVectorsAreBeginningsOfLongerOnes() {
    func draw(_ count: Int) -> [Float] {
      var stream = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
      var values = [Float](repeating: 0, count: count)
      var span = values.mutableSpan
      stream.gaussians(into: &span)
      return values
    }
    #expect(Array(draw(100)[..<7]) == draw(7))
  }
}
