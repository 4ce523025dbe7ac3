import Basics
import Testing

@Suite struct ChecksumTests {
  /// Of k·0x0123456789abcdef, k = 1…n, as an independent XXH64, which gives the published
  /// ef46db3751d8e999 of nothing and fbcea83c8a378bf1 of "Nobody inspects the spammish repetition".
  @Test(
    arguments: [
      (0, 0xef46_db37_51d8_e999), (1, 0xea3c_5208_1e98_43ec), (3, 0xddb0_8daa_d008_f62f),
      (4, 0x110d_811b_c0f0_8a35), (5, 0x2686_b8c2_cacd_00a6), (8, 0xd030_a23d_388e_c517),
      (11, 0x0c85_6fa4_3275_7c66),
    ] as [(UInt64, UInt64)])
  func words(count: UInt64, expected: UInt64) {
    var checksum = Checksum()
    for k in 0..<count { checksum.add((k + 1) &* 0x0123_4567_89ab_cdef) }
    #expect(checksum.value == expected)
  }

  /// Of the bytes 0, 1, …, after a word of their number and filled up with zeros.
  @Test(
    arguments: [
      (0, 0x34c9_6acd_cadb_1bbb), (5, 0x76cf_a3cb_9f76_8393), (8, 0x08a0_2140_1e35_aa7e),
      (40, 0x3fd2_dae0_f4b0_d228), (77, 0x29a4_c035_2b63_e44f),
    ] as [(UInt8, UInt64)])
  func bytes(count: UInt8, expected: UInt64) {
    var checksum = Checksum()
    Array(0..<count).withUnsafeBytes { checksum.add($0) }
    #expect(checksum.value == expected)
  }

  /// Bytes are the same wherever they begin.
  @Test func bytesAreWords() {
    for before in 0..<4 {
      var (whole, parts) = (Checksum(), Checksum())
      for word in 0..<before { whole.add(UInt64(word)) }
      for word in 0..<before { parts.add(UInt64(word)) }
      let words = (0..<19).map { UInt64($0) &* 0x9E37_79B1 }
      words.map(\.littleEndian).withUnsafeBytes { whole.add($0) }
      parts.add(UInt64(19 * 8))
      for word in words { parts.add(word) }
      #expect(whole.value == parts.value)
    }
  }

  /// Values of different types, and their places, are told apart; the zeros that SQLite keeps as one
  /// are one.
  @Test func rows() {
    let rows: [[Cell]] = [
      [], [.null], [.null, .null], [.integer(0)], [.real(0)], [.text("")], [.blob([])],
      [.text("a")],
      [.blob([0x61])], [.text("a"), .null], [.null, .text("a")], [.integer(1)],
      [.integer(-1)], [.real(1)],
    ]
    #expect(Set(rows.map { Checksum($0).value }).count == rows.count)
    #expect(Checksum([.real(-0.0)]).value == Checksum([.real(0)]).value)
  }
}
