import Basics
import Foundation
import Records
import TensorCore

/// Randomized smoothing of a classifier f: the class that f answers most often on x + N(0, τ²I).
///
/// The evidence for a class is the logarithm of its share of the n draws, none where it has no vote; the
/// class that the n₀ draws before them chose, whose share bounds a radius, was asked for in round 1, the
/// others in round 0. Each draw has noise of its own, f's own included. What an attack sees is
///
///     logit_k = ln 1/n Σ_i softmax_k(f(x + τz_i))
///
/// over the n draws, and its gradient.
///
/// **Source** Cohen, Rosenfeld & Kolter 2019 (arXiv 1902.02918), algorithm CERTIFY; the attack is
/// Salman et al. 2019 (arXiv 1906.04584), equation 5.
public struct SmoothedClassifier<Base: ImageClassifier>: ImageClassifier {
  private let base: Base
  private let smoothing: Smoothing

  /// Draws that go through f together where no gradient is asked for: more gain nothing.
  private static var mostTogether: Int { 256 }

  /// `base` on noisy images.
  public init(_ base: Base, _ smoothing: Smoothing) {
    (self.base, self.smoothing) = (base, smoothing)
  }

  public var shape: ImageShape { base.shape }
  public var classCount: Int { base.classCount }
  public var isRandomized: Bool { true }

  public func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> Answer {
    var cost = Cost()
    func votes(_ draws: Range<Int>) throws -> [Int] {
      var votes = [Int](repeating: 0, count: classCount)
      for part in equalParts(of: draws.count, atMost: Self.mostTogether) {
        let answers = try base.logits(
          of: drawn(part, after: draws.lowerBound, from: image, key, stream), key: key)
        cost = answers.reduce(cost) { $0 + $1.cost }
        for label in answers.map(Self.predicted) { votes[label] += 1 }
      }
      return votes
    }
    let first = try votes(-smoothing.selection..<0)
    let votes = try votes(0..<smoothing.draws)
    let chosen = Self.first(of: first)
    return Answer(
      predicted: Self.first(of: votes),
      evidence: votes.enumerated().map { label, count in
        ClassEvidence(
          label: label, elbo: count > 0 ? log(Double(count) / Double(smoothing.draws)) : nil,
          lastRound: label == chosen ? 1 : 0)
      },
      cost: cost)
  }

  public func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> LogitAnswer {
    let answers = try equalParts(of: smoothing.draws, atMost: Self.mostTogether).flatMap {
      try base.logits(of: drawn($0, from: image, key, stream), key: key)
    }
    return answer(logits(of: answers.map(Self.shares)), answers)
  }

  public func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    // Every class of every draw weighs in the mean: none is left out.
    var demand = demand
    demand.absence = nil
    let passes = try base.passes(
      of: drawn(0..<smoothing.draws, from: image, key, stream), key: key, asking: demand)
    let shares = passes.answers.map(Self.shares)
    let logits = logits(of: shares)
    let answer = answer(logits, passes.answers)
    var result = LogitGradient(
      logits: logits, gradient: [Float](repeating: 0, count: image.count), cost: answer.cost,
      predicted: answer.predicted)
    let c = cotangent(logits)
    guard c.contains(where: { $0 != 0 }) else { return result }
    let slopes = shares.map { shares in
      // p_ik/(n·p̄_k): the draw's part in the mean.
      let weights = shares.indices.map {
        c[$0] * exp(shares[$0] - logits[$0]) / Double(smoothing.draws)
      }
      let total = weights.reduce(0, +)
      return weights.indices.map { weights[$0] - exp(shares[$0]) * total }
    }
    let parts = try passes.pullback(slopes)
    for part in parts.gradients {
      for i in image.indices { result.gradient[i] += part[i] }
    }
    result.cost = result.cost + parts.cost
    return result
  }

  /// Images with noise, each on the stream of what f draws itself; draws that choose are below 0.
  private func drawn(
    _ draws: Range<Int>, after first: Int = 0, from image: [Float], _ key: ImageKey,
    _ stream: NoiseStream
  ) -> [DrawnImage] {
    let deviation = Float(smoothing.deviation)
    var noise = [Float](repeating: 0, count: image.count)
    return draws.map { draw in
      let own = stream.drawn(first + draw)
      var random = NoiseKey(own, .smoothing, key).random()
      var span = noise.mutableSpan
      random.gaussians(into: &span)
      return DrawnImage(zip(image, noise).map { $0 + deviation * $1 }, on: own)
    }
  }

  /// The draws' answer, whose class is that of most of their votes.
  private func answer(_ logits: [Double], _ answers: [LogitAnswer]) -> LogitAnswer {
    var votes = [Int](repeating: 0, count: classCount)
    for label in answers.map(Self.predicted) { votes[label] += 1 }
    return LogitAnswer(
      logits: logits, cost: answers.reduce(Cost()) { $0 + $1.cost },
      predicted: Self.first(of: votes))
  }

  /// What a draw votes for.
  private static func predicted(_ answer: LogitAnswer) -> Int {
    answer.predicted ?? Answer(logits: answer.logits, cost: answer.cost).predicted
  }

  /// ln softmax of a draw.
  private static func shares(_ answer: LogitAnswer) -> [Double] {
    let normaliser = logSumExp(answer.logits)
    return answer.logits.map { $0 - normaliser }
  }

  private func logits(of shares: [[Double]]) -> [Double] {
    (0..<classCount).map { k in
      Self.logSumExp(shares.map { $0[k] }) - log(Double(smoothing.draws))
    }
  }

  private static func logSumExp(_ values: [Double]) -> Double {
    let most = values.max() ?? 0
    guard most.isFinite else { return most }
    return most + log(values.reduce(0) { $0 + exp($1 - most) })
  }

  /// The class of most votes; of several the lowest.
  private static func first(of votes: [Int]) -> Int {
    votes.indices.max { (votes[$0], -$0) < (votes[$1], -$1) } ?? 0
  }
}

extension NoiseStream {
  /// The stream of one draw of several.
  ///
  /// **Source** the finalizer of SplitMix64: Steele, Lea & Flood 2014, *Fast splittable pseudorandom
  /// number generators*.
  func drawn(_ index: Int) -> NoiseStream {
    var z = seed &+ (UInt64(bitPattern: Int64(index)) &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return NoiseStream(seed: z ^ (z >> 31), owner: owner)
  }
}
