import Foundation
import Networks

/// Class probabilities of one evaluation in Double, and slopes of losses to its logits; the memory is
/// used again by the next evaluation.
struct Softmax: Sendable {
  /// z, `[K]`.
  private(set) var logits: [Float]
  /// ln softmax(z).
  private(set) var logs: [Double]
  /// softmax(z).
  private(set) var shares: [Double]
  /// The slope set last, `[K]`.
  private(set) var slope: [Float]

  init(classes: Int) {
    // Each its own storage: where arrays begin as copies of each other, Swift 6.3 optimizes the
    // uniqueness checks away and lets them go on sharing it.
    logits = [Float](repeating: 0, count: classes)
    slope = [Float](repeating: 0, count: classes)
    logs = [Double](repeating: 0, count: classes)
    shares = [Double](repeating: 0, count: classes)
  }

  /// The class of the largest logit, the first of several.
  var predicted: Int { logits.indices.max { (logits[$0], -$0) < (logits[$1], -$1) } ?? 0 }

  /// Takes the logits of an image.
  mutating func evaluate(_ image: [Float], _ session: ResNet.Session, keeps: Bool) {
    var output = logits.mutableSpan
    session.logits(of: image.span, into: &output, keepsForBackward: keeps)
    normalize()
  }

  /// Takes logits as they are, `[K]`.
  mutating func take(_ values: [Double]) {
    for k in logits.indices { logits[k] = Float(values[k]) }
    normalize()
  }

  private mutating func normalize() {
    var top = -Double.infinity
    for z in logits { top = max(top, Double(z)) }
    var total = 0.0
    for k in logits.indices {
      shares[k] = exp(Double(logits[k]) - top)
      total += shares[k]
    }
    for k in logits.indices {
      logs[k] = Double(logits[k]) - top - log(total)
      shares[k] /= total
    }
  }

  /// Cross-entropy of `label`, −ln softmax(z)_y.
  func entropy(label: Int) -> Double { -logs[label] }

  /// KL(other ‖ this).
  func divergence(from other: Softmax) -> Double {
    var sum = 0.0
    for k in shares.indices { sum += other.shares[k] * (other.logs[k] - logs[k]) }
    return sum
  }

  /// slope ← scale·∂(cross-entropy of `label`)/∂z.
  mutating func setEntropySlope(label: Int, scale: Double = 1) {
    // The true class's as minus the others' sum: 1 − p would cancel to 0 long before they vanish.
    var sum = 0.0
    for k in slope.indices where k != label {
      slope[k] = Float(scale * shares[k])
      sum += shares[k]
    }
    slope[label] = Float(-scale * sum)
  }

  /// slope ← scale·∂KL(other ‖ this)/∂z.
  mutating func setDivergenceSlope(from other: Softmax, scale: Double = 1) {
    for k in slope.indices { slope[k] = Float(scale * (shares[k] - other.shares[k])) }
  }

  /// slope ← slope + scale·∂KL(this ‖ other)/∂z.
  mutating func addDivergenceSlope(to other: Softmax, scale: Double) {
    let divergence = other.divergence(from: self)
    for k in slope.indices {
      slope[k] += Float(scale * shares[k] * (logs[k] - other.logs[k] - divergence))
    }
  }

  /// Scales the slope to a largest value of 1, so that no gradient underflows; zero stays.
  mutating func scaleSlopeToOne() {
    var largest: Float = 0
    for value in slope { largest = max(largest, value.magnitude) }
    guard largest > 0 else { return }
    for k in slope.indices { slope[k] /= largest }
  }
}
