import Classifiers
import Records
import TensorCore

/// The margin around an image, along the attack's own direction and one at right angles to it.
///
/// A gradient that points somewhere is steeper than chance; one that is masked is not.
package struct LossLandscape: Sendable {
  /// Largest step in either direction, pixel units.
  package let epsilon: Double
  /// Steps from −ε to ε, `[side]`.
  package let offsets: [Double]
  /// Margin of the rival over the true class, positive where misclassified: rows of rising steps across,
  /// in each rising steps along the gradient. **Shape** `[side][side]`.
  package let margins: [[Double]]

  /// The margins on a grid of `side` × `side`, an odd number, clipped to [0, 1].
  ///
  /// For ℓ∞ the directions are the gradient's signs and the same signs with a random half of them turned
  /// round; for ℓ2 they are unit vectors, the second random and made orthogonal.
  ///
  /// - Parameters:
  ///   - stream: the noise of all looks, one for all, so that the surface is one function's.
  ///   - random: chooses the direction across.
  /// - Throws: what the classifier throws.
  package init(
    of classifier: any DifferentiableClassifier, around image: [Float], label: Int, key: ImageKey,
    stream: NoiseStream, norm: AttackConfiguration.Norm, epsilon: Double, side: Int = 21,
    random: inout RandomStream, workers: WorkerPool
  ) throws {
    precondition(side > 1 && side % 2 == 1, "a landscape needs an odd number of steps, got \(side)")
    let slope = try classifier.gradient(of: image, key: key, stream: stream) {
      AttackLoss.margin.value($0, label: label).gradient
    }.gradient
    let (along, across) = Self.directions(slope, norm, &random)
    let offsets = (0..<side).map { epsilon * (2 * Double($0) / Double(side - 1) - 1) }
    let values = DisjointValues(count: side * side)
    try workers.forEach(side * side) { index, _ in
      let (row, column) = index.quotientAndRemainder(dividingBy: side)
      let moved = image.indices.map { i in
        Float(
          min(max(Double(image[i]) + offsets[column] * along[i] + offsets[row] * across[i], 0), 1))
      }
      let logits = try classifier.logits(of: moved, key: key, stream: stream).logits
      values[index] = AttackLoss.margin.value(logits, label: label).loss
    }
    (self.epsilon, self.offsets) = (epsilon, offsets)
    margins = (0..<side).map { row in (0..<side).map { values[row * side + $0] } }
  }

  /// The gradient's direction and one orthogonal to it, each of length 1 in the norm.
  static func directions(
    _ gradient: [Float], _ norm: AttackConfiguration.Norm, _ random: inout RandomStream
  ) -> (along: [Double], across: [Double]) {
    if norm == .l2 {
      func unit(_ v: [Double]) -> [Double] {
        let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? v.map { $0 / length } : v
      }
      let along = unit(gradient.map(Double.init))
      var values = [Float](repeating: 0, count: gradient.count)
      var span = values.mutableSpan
      random.gaussians(into: &span)
      let share = zip(values, along).reduce(0) { $0 + Double($1.0) * $1.1 }
      return (along, unit(zip(values, along).map { Double($0) - share * $1 }))
    }
    let along = gradient.map { $0 > 0 ? 1.0 : $0 < 0 ? -1 : 0 }
    var moving = along.indices.filter { along[$0] != 0 }
    var across = along
    for i in 0..<moving.count / 2 {
      moving.swapAt(i, Int.random(in: i..<moving.count, using: &random))
      across[moving[i]] = -across[moving[i]]
    }
    return (along, across)
  }
}

/// Values that different workers write, each at its own index.
private final class DisjointValues: @unchecked Sendable {
  private let values: UnsafeMutableBufferPointer<Double>

  init(count: Int) {
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }

  subscript(index: Int) -> Double {
    get { values[index] }
    set { values[index] = newValue }
  }
}
