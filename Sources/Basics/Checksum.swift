/// The XXH64 hash of 64-bit words, fed one by one: finds what happened to bytes by accident, several
/// gigabytes a second. It proves nothing to anyone who meant to change them; `SHA256` does.
///
/// **Source** XXH64 of the words' little-endian bytes, seed 0 (Yann Collet's specification of xxHash).
package struct Checksum: Sendable {
  private static let primes: (UInt64, UInt64, UInt64, UInt64, UInt64) = (
    0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63,
    0x27D4_EB2F_1656_67C5
  )

  private var lanes = (
    primes.0 &+ primes.1, primes.1, UInt64(0), 0 &- primes.0
  )
  private var waiting = SIMD4<UInt64>.zero
  private var count: UInt64 = 0

  /// The checksum of nothing so far.
  package init() {}

  /// Adds a word.
  package mutating func add(_ word: UInt64) {
    waiting[Int(count & 3)] = word
    count &+= 1
    if count & 3 == 0 { take(waiting[0], waiting[1], waiting[2], waiting[3]) }
  }

  /// Adds bytes: their number, then themselves in words, the last one filled up with zeros.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    add(UInt64(bytes.count))
    func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    var offset = 0
    while offset + 8 <= bytes.count, count & 3 != 0 {
      add(word(offset))
      offset += 8
    }
    while offset + 32 <= bytes.count {
      take(word(offset), word(offset + 8), word(offset + 16), word(offset + 24))
      count &+= 4
      offset += 32
    }
    while offset + 8 <= bytes.count {
      add(word(offset))
      offset += 8
    }
    guard offset < bytes.count else { return }
    add(bytes[offset...].reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// The checksum of everything added.
  package var value: UInt64 {
    let (p1, p2, p3, p4, p5) = Self.primes
    var hash = p5
    if count >= 4 {
      hash =
        Self.rotate(lanes.0, 1) &+ Self.rotate(lanes.1, 7) &+ Self.rotate(lanes.2, 12)
        &+ Self.rotate(lanes.3, 18)
      for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
        hash = (hash ^ Self.round(0, lane)) &* p1 &+ p4
      }
    }
    hash &+= 8 &* count
    for index in 0..<Int(count & 3) {
      hash = Self.rotate(hash ^ Self.round(0, waiting[index]), 27) &* p1 &+ p4
    }
    hash = (hash ^ hash >> 33) &* p2
    hash = (hash ^ hash >> 29) &* p3
    return hash ^ hash >> 32
  }

  @inline(__always)
  private mutating func take(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) {
    lanes.0 = Self.round(lanes.0, a)
    lanes.1 = Self.round(lanes.1, b)
    lanes.2 = Self.round(lanes.2, c)
    lanes.3 = Self.round(lanes.3, d)
  }

  @inline(__always)
  private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    rotate(lane &+ word &* primes.1, 31) &* primes.0
  }

  @inline(__always)
  private static func rotate(_ x: UInt64, _ n: UInt64) -> UInt64 { x << n | x >> (64 - n) }
}
