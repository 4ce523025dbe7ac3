/// Random bits from a counter.
///
/// **Source** Steele, Lea & Flood 2014, *Fast Splittable Pseudorandom Number Generators*.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  /// The stream of a seed.
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// 0…count − 1.
  mutating func index(_ count: Int) -> Int { Int(next() >> 33) % count }
  /// 0..<1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
