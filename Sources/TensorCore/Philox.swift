import Foundation

/// The counter-based generator Philox4x32-10: a keyed bijection from counters to random words.
///
/// **Source** Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
public enum Philox4x32 {
  /// Four random words for a counter under a key, after ten rounds.
  @inlinable
  public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (c, k) = (counter, key)
    for _ in 0..<10 {
      let a = UInt64(c[0]) * 0xD251_1F53
      let b = UInt64(c[2]) * 0xCD9E_8D57
      c = SIMD4(
        UInt32(truncatingIfNeeded: b >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: a))
      k = k &+ SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return c
  }
}

/// A stream of random numbers at one place in Philox4x32-10's counter space.
///
/// Counter word 0 counts the blocks of four words from 0; words 1–3 and the key name the stream.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private let key: SIMD2<UInt32>
  private var counter: SIMD4<UInt32>
  private var block = SIMD4<UInt32>()
  private var used = 4

  /// The stream named by 64 bits of key and 96 bits of counter.
  public init(key: SIMD2<UInt32>, counter: SIMD3<UInt32>) {
    self.key = key
    self.counter = SIMD4(0, counter[0], counter[1], counter[2])
  }

  /// The next 32 random bits.
  public mutating func nextWord() -> UInt32 {
    if used == 4 {
      block = Philox4x32.block(counter: counter, key: key)
      counter[0] &+= 1
      used = 0
    }
    defer { used += 1 }
    return block[used]
  }

  /// The next 64 random bits, the first word in the low half.
  public mutating func next() -> UInt64 { UInt64(nextWord()) | UInt64(nextWord()) << 32 }

  /// Uniform in [0, 1), 53 bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Fills `values` with standard normal numbers.
  ///
  /// Each pair of words (a, b) gives the pair √(−2 ln u)·(cos 2πv, sin 2πv) with
  /// u = (a + 1)·2⁻³² and v = b·2⁻³², computed in Double and rounded to Float (Box–Muller).
  public mutating func gaussians(into values: inout MutableSpan<Float>) {
    var i = 0
    while i < values.count {
      let radius = (-2 * log((Double(nextWord()) + 1) * 0x1p-32)).squareRoot()
      let angle = 2 * Double.pi * (Double(nextWord()) * 0x1p-32)
      values[i] = Float(radius * cos(angle))
      if i + 1 < values.count { values[i + 1] = Float(radius * sin(angle)) }
      i += 2
    }
  }
}
