import Records
import TensorCore

/// Decides which losses of an image are asked for, and when to stop.
///
/// The same strategy runs on a live model and on a recorded run: it sees a ledger, never what is
/// behind it.
public protocol SamplingStrategy: Sendable {
  /// Canonical spelling, as `halving:5x10,1x50`.
  var spelling: String { get }

  /// The timesteps asked for, for every class, where they are the same for all images; else nil.
  func sharedTimesteps(of count: Int) -> [Int]?

  /// The most timesteps asked for any class.
  func largestSubset(of count: Int) -> Int

  /// Factor on the weight of a class's timesteps when `asked` of `count` were asked for it, so that
  /// the sum estimates the whole grid's (or is deliberately a part of it).
  func factor(asked: Int, of count: Int) -> Double

  /// Factor on the weight of one timestep, whoever is asked at it.
  func emphasis(of timestep: Int) -> Double

  /// Whether losses decide how many more are asked for: what an image takes is known only by running
  /// it, and `largestSubset` is a bound.
  var stopsByLosses: Bool { get }

  /// Whether losses decide which others are asked for.
  var choosesByLosses: Bool { get }

  /// Asks `ledger` for losses until the strategy is content.
  ///
  /// - Parameter random: the strategy's own stream for this image.
  /// - Throws: what the loss source throws.
  func sample(_ ledger: inout LossLedger, random: inout RandomStream) throws
}

extension SamplingStrategy {
  /// No shared subset unless a strategy says so.
  public func sharedTimesteps(of count: Int) -> [Int]? { nil }

  /// Not unless a strategy says so.
  public var stopsByLosses: Bool { false }

  /// Where they decide how many, unless a strategy says more.
  public var choosesByLosses: Bool { stopsByLosses }

  /// Every timestep at its weight.
  public func emphasis(of timestep: Int) -> Double { 1 }
}

/// T′ of a grid's T timesteps, evenly spaced: i_j = ⌊(j + ½)·T/T′⌋; all of them as `full`.
public struct EvenSubset: SamplingStrategy {
  /// T′; nil for all.
  public let size: Int?

  public var spelling: String { size.map { "uniform:\($0)" } ?? "full" }

  public func sharedTimesteps(of count: Int) -> [Int]? {
    Self.indices(size ?? count, of: count)
  }

  public func largestSubset(of count: Int) -> Int { size ?? count }

  public func factor(asked: Int, of count: Int) -> Double { Double(count) / Double(asked) }

  public func sample(_ ledger: inout LossLedger, random: inout RandomStream) throws {
    let timesteps = Self.indices(size ?? ledger.gridSize, of: ledger.gridSize)
    try ledger.ask(classes: ledger.allClasses, timesteps: timesteps)
  }

  /// ⌊(j + ½)·T/T′⌋ for j < T′.
  public static func indices(_ size: Int, of count: Int) -> [Int] {
    (0..<size).map { (2 * $0 + 1) * count / (2 * size) }
  }
}

/// One end of a grid or a σ range of it: a deliberate part, so its weights stay as they are.
public struct GridRange: SamplingStrategy {
  public let spelling: String
  /// Timesteps asked for.
  public let timesteps: Range<Int>

  public func sharedTimesteps(of count: Int) -> [Int]? { Array(timesteps) }

  public func largestSubset(of count: Int) -> Int { timesteps.count }

  public func factor(asked: Int, of count: Int) -> Double { 1 }

  public func sample(_ ledger: inout LossLedger, random: inout RandomStream) throws {
    try ledger.ask(classes: ledger.allClasses, timesteps: Array(timesteps))
  }
}

/// T′ timesteps drawn uniformly without replacement, anew for each image.
public struct RandomSubset: SamplingStrategy {
  /// T′.
  public let size: Int

  public var spelling: String { "random:\(size)" }

  public func largestSubset(of count: Int) -> Int { size }

  public func factor(asked: Int, of count: Int) -> Double { Double(count) / Double(asked) }

  public func sample(_ ledger: inout LossLedger, random: inout RandomStream) throws {
    let indices = Self.indices(size, of: ledger.gridSize, random: &random)
    try ledger.ask(classes: ledger.allClasses, timesteps: indices.sorted())
  }

  /// The first `size` of a random order of `count` indices.
  static func indices(_ size: Int, of count: Int, random: inout RandomStream) -> [Int] {
    // Fisher–Yates, stopped early.
    var indices = Array(0..<count)
    for i in 0..<size {
      indices.swapAt(i, Int.random(in: i..<count, using: &random))
    }
    return Array(indices[..<size])
  }
}

/// After so many cumulative, nested, evenly spaced timesteps only the best classes go on.
///
/// **Source** Li et al. 2023 (arXiv 2303.16203), algorithm 2.
public struct SuccessiveHalving: SamplingStrategy {
  /// One round: its cumulative number of timesteps, and how many classes it keeps.
  public struct Round: Hashable, Sendable {
    /// Classes kept when the round ends.
    public let classes: Int
    /// Timesteps asked for by then.
    public let timesteps: Int
  }

  /// In order.
  public let rounds: [Round]

  public var spelling: String {
    "halving:" + rounds.map { "\($0.classes)x\($0.timesteps)" }.joined(separator: ",")
  }

  public var choosesByLosses: Bool { true }

  public func largestSubset(of count: Int) -> Int { rounds.map(\.timesteps).max() ?? 0 }

  public func factor(asked: Int, of count: Int) -> Double { Double(count) / Double(asked) }

  public func sample(_ ledger: inout LossLedger, random: inout RandomStream) throws {
    let order = Self.nestedOrder(rounds.map(\.timesteps), of: ledger.gridSize)
    var classes = ledger.allClasses
    var done = 0
    for round in rounds {
      try ledger.ask(classes: classes, timesteps: order[done..<round.timesteps].sorted())
      done = round.timesteps
      if round.classes < classes.count {
        let ranked = classes.sorted { ledger.logit(of: $0) > ledger.logit(of: $1) }
        classes = ranked.prefix(round.classes).sorted()
      }
      // One class left has won, whatever its other losses are.
      if classes.count == 1 { break }
    }
    ledger.eliminateAll(except: classes)
  }

  /// The largest subset in an order whose prefixes of the given sizes are each evenly spaced, the
  /// smaller inside the larger: the smaller is the even subset of the larger.
  static func nestedOrder(_ sizes: [Int], of count: Int) -> [Int] {
    guard let largest = sizes.last else { return [] }
    var current = EvenSubset.indices(largest, of: count)
    var tail: [Int] = []
    for size in sizes.dropLast().reversed() {
      let kept = EvenSubset.indices(size, of: current.count).map { current[$0] }
      let inner = Set(kept)
      tail = current.filter { !inner.contains($0) } + tail
      current = kept
    }
    return current + tail
  }
}
