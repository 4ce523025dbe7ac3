import Foundation

/// Learns from recorded losses which timesteps tell classes apart, and how much each should count.
///
/// With d_tk = w_t·(ℓ_tk − ℓ_ty) of an image of class y, a subset with factors f has the posterior
///
///     p_y = 1/Σ_k exp(−Σ_t f_t·d_tk)
///
/// What is learnt on some images must be judged on others.
public struct SubsetLearner: Sendable {
  /// The ways to learn.
  public enum Method: String, CaseIterable, Sendable {
    /// Adds the timestep that lowers the cross-entropy −mean ln p_y most, and fits all factors f ≥ 0
    /// again, until there are enough: regression on the losses, whose factors make calibrated logits.
    case greedy
    /// Takes the timesteps whose margins to the image's closest rival are largest in units of their
    /// deviation, with factors ∝ mean/variance: Fisher's discriminant of independent timesteps.
    case importance
  }

  private let images: Int
  private let classes: Int
  private let timesteps: Int
  /// d, `[T][N][K]`.
  private let differences: [[Double]]
  /// True classes, `[N]`.
  private let labels: [Int]

  /// - Parameters:
  ///   - losses: of each image, the means of its draws, `[T, K]` row-major.
  ///   - labels: true class of each.
  ///   - weights: w, `[T]`.
  public init(losses: [[Double]], labels: [Int], weights: [Double]) {
    precondition(losses.count == labels.count && !losses.isEmpty, "\(losses.count) images")
    let (timesteps, images) = (weights.count, losses.count)
    let classes = losses[0].count / timesteps
    precondition(losses.allSatisfy { $0.count == classes * timesteps }, "losses of another grid")
    differences = (0..<timesteps).map { t in
      losses.indices.flatMap { n in
        let row = losses[n][t * classes..<(t + 1) * classes]
        let own = row[row.startIndex + labels[n]]
        // A class that diverged cannot win, whatever its weight.
        return row.map { weights[t] * min($0 - own, 1e6) }
      }
    }
    (self.images, self.classes, self.timesteps, self.labels) = (images, classes, timesteps, labels)
  }

  /// The `size` timesteps that `method` takes, in the order that it takes them.
  ///
  /// - Precondition: `size` is between 1 and the grid's size.
  public func learn(_ method: Method, size: Int) -> TimestepList {
    precondition((1...timesteps).contains(size), "\(size) of \(timesteps) timesteps")
    let steps =
      switch method {
      case .greedy: greedy(size)
      case .importance: importance(size)
      }
    return TimestepList(
      steps.filter { $0.factor > 0 }.map { .init(index: $0.index, factor: short($0.factor)) })
  }

  private typealias Steps = [(index: Int, factor: Double)]

  /// Four significant digits: what more there is, calibration images do not know.
  private func short(_ value: Double) -> Double {
    Double(String(format: "%.3e", value)) ?? value
  }

  // MARK: importance

  private func importance(_ size: Int) -> Steps {
    let rivals = closestRivals()
    var separations: [(index: Int, mean: Double, variance: Double)] = []
    for (t, d) in differences.enumerated() {
      let margins: [Double] = rivals.enumerated().map { n, k in d[n * classes + k] }
      let mean = margins.reduce(0, +) / Double(images)
      guard mean > 0 else { continue }
      let square: Double = margins.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      separations.append((t, mean, max(square / Double(images), .leastNormalMagnitude)))
    }
    func strength(_ s: (index: Int, mean: Double, variance: Double)) -> Double {
      s.mean * s.mean / s.variance
    }
    separations.sort { strength($0) > strength($1) }
    return separations.prefix(size).map { ($0.index, $0.mean / $0.variance) }
  }

  /// The wrong class that the whole grid finds likeliest, of each image.
  private func closestRivals() -> [Int] {
    (0..<images).map { n in
      var best = (class: 0, total: Double.infinity)
      for k in 0..<classes where k != labels[n] {
        var total = 0.0
        for d in differences { total += d[n * classes + k] }
        if total < best.total { best = (k, total) }
      }
      return best.class
    }
  }

  // MARK: greedy

  private func greedy(_ size: Int) -> Steps {
    var fit = Fit(images: images, classes: classes)
    var steps: Steps = []
    while steps.count < size {
      let taken = Set(steps.map(\.index))
      // The drop that one Newton step along a timestep promises, g²/2h.
      let best = (0..<timesteps).filter { !taken.contains($0) }.map { t in
        let (gradient, curvature) = fit.slopes(along: differences[t])
        return (index: t, gain: gradient < 0 ? gradient * gradient / curvature : 0)
      }
      .max { $0.gain < $1.gain }
      guard let best, best.gain > 0 else { break }
      steps.append((best.index, 0))
      refit(&steps, &fit)
    }
    return steps
  }

  /// Coordinate-wise Newton steps on the convex cross-entropy, no factor below 0.
  private func refit(_ steps: inout Steps, _ fit: inout Fit) {
    for _ in 0..<50 {
      var change = 0.0
      for i in steps.indices {
        let d = differences[steps[i].index]
        let (gradient, curvature) = fit.slopes(along: d)
        let next = max(steps[i].factor - gradient / curvature, 0)
        let move = next - steps[i].factor
        guard move != 0 else { continue }
        fit.move(along: d, by: move)
        steps[i].factor = next
        change = max(change, abs(move) / max(next, 1e-9))
      }
      if change < 1e-3 { break }
    }
  }

  /// Posteriors under the factors so far.
  private struct Fit {
    private let classes: Int
    private var logits, shares: [Double]

    init(images: Int, classes: Int) {
      self.classes = classes
      logits = Array(repeating: 0, count: images * classes)
      shares = Array(repeating: 1 / Double(classes), count: images * classes)
    }

    /// First and second derivative of the cross-entropy by a timestep's factor.
    func slopes(along d: [Double]) -> (gradient: Double, curvature: Double) {
      var (gradient, curvature) = (0.0, 0.0)
      for first in stride(from: 0, to: d.count, by: classes) {
        var (mean, square) = (0.0, 0.0)
        for i in first..<first + classes {
          let weighted = shares[i] * d[i]
          mean += weighted
          square += weighted * d[i]
        }
        gradient -= mean
        curvature += square - mean * mean
      }
      let n = Double(d.count / classes)
      // The ridge keeps a step finite where every image is sure.
      return (gradient / n, curvature / n + 1e-9)
    }

    mutating func move(along d: [Double], by step: Double) {
      for i in d.indices { logits[i] -= step * d[i] }
      for first in stride(from: 0, to: d.count, by: classes) {
        var top = -Double.infinity
        for i in first..<first + classes { top = max(top, logits[i]) }
        var total = 0.0
        for i in first..<first + classes {
          shares[i] = exp(logits[i] - top)
          total += shares[i]
        }
        for i in first..<first + classes { shares[i] /= total }
      }
    }
  }
}
