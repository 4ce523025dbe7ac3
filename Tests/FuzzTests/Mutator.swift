/// Random numbers of a seed: what was found once is found again.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  /// **Source** Steele, Lea & Flood 2014, *Fast splittable pseudorandom number generators*.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Makes inputs that are nearly right of some that are.
struct Mutator {
  /// Inputs that are right, or were once taken wrongly.
  let seeds: [[UInt8]]
  /// What inputs of the kind are made of.
  let words: [[UInt8]]

  /// Longest input.
  private static let longest = 1 << 16

  init(_ seeds: [[UInt8]], words: [String]) {
    self.seeds = seeds
    self.words = (words + Self.numbers + Self.signs).map { Array($0.utf8) }
  }

  /// Numbers at the edges of what types hold.
  static let numbers = [
    "0", "1", "-1", "2", "3", "7", "8/255", "0.5", "-0.0", "1e308", "1e-308", "5e-324", "1e400",
    "nan", "inf", "-inf", "255", "256", "65536", "2147483647", "2147483648", "4294967296",
    "4611686018427387904", "9007199254740993", "9223372036854775807", "-9223372036854775808",
    "18446744073709551615", "99999999999999999999", "0x7f", "1e5", "100000", "1_000", "٣", "１",
  ]
  private static let signs = [
    " ", "\n", "\t", "\r\n", "\0", "\u{1B}", "\u{202E}", "\u{FEFF}", "é", "🙂", "'", "\"", "`", "\\",
    "(", ")", "[", "]", "{", "}", ",", ":", ";", "-", "+", "*", "..", "...", "%", "/", "=", "&a",
    "*a",
    "!!", "|", ">", "<<: ", "#",
  ]

  /// The next input.
  func input(_ random: inout SplitMix) -> [UInt8] {
    var bytes = seeds.randomElement(using: &random) ?? []
    for _ in 0..<(1 << Int.random(in: 0...3, using: &random)) { change(&bytes, &random) }
    return Array(bytes.prefix(Self.longest))
  }

  private func change(_ bytes: inout [UInt8], _ random: inout SplitMix) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    let length = min(
      1 << Int.random(in: 0...6, using: &random), bytes.count - place)
    let part = place..<place + length
    switch Int.random(in: 0..<10, using: &random) {
    case 0: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random) }
    case 1: if place < bytes.count { bytes[place] = .random(in: 0...255, using: &random) }
    case 2: bytes.removeSubrange(part)
    case 3: bytes.insert(contentsOf: Array(bytes[part]), at: place)
    case 4: bytes.removeSubrange(place...)
    case 5, 6: bytes.insert(contentsOf: words.randomElement(using: &random) ?? [], at: place)
    case 7: bytes.replaceSubrange(number(near: place, bytes), with: word(Self.numbers, &random))
    case 8:
      let other = seeds.randomElement(using: &random) ?? []
      let start = Int.random(in: 0...other.count, using: &random)
      bytes.replaceSubrange(place..., with: other[start...])
    default:
      // Deep or long, which is where stacks and squares are found.
      let word = words.randomElement(using: &random) ?? []
      let times = 1 << Int.random(in: 0...12, using: &random)
      bytes.insert(contentsOf: Array(repeating: word, count: times).joined(), at: place)
    }
  }

  private func word(_ words: [String], _ random: inout SplitMix) -> [UInt8] {
    Array((words.randomElement(using: &random) ?? "").utf8)
  }

  /// The digits at or after a place.
  private func number(near place: Int, _ bytes: [UInt8]) -> Range<Int> {
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    guard let start = bytes[place...].firstIndex(where: isDigit) else { return place..<place }
    return start..<(bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count)
  }
}
