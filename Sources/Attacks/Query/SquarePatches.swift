import Records
import TensorCore

/// The images that the square attack proposes.
package struct SquarePatches {
  private let shape: ImageShape
  private let ball: Ball

  package init(shape: ImageShape, ball: Ball) { (self.shape, self.ball) = (shape, ball) }

  private var area: Int { shape.height * shape.width }
  /// Of one row: patches are stretches of it.
  private var isSignal: Bool { shape.height == 1 }

  private struct Patch {
    var rows, columns: Int
  }

  private func patch(_ side: Int) -> Patch { Patch(rows: isSignal ? 1 : side, columns: side) }

  /// ℓ∞: vertical stripes of ±ε; ℓ2: tiles of bumps, ε in all.
  package func start(_ random: inout RandomStream) -> [Float] {
    var delta = [Double](repeating: 0, count: shape.count)
    guard ball.norm == .l2 else {
      for c in 0..<shape.channels {
        for x in 0..<shape.width {
          let value = ball.epsilon * Self.sign(&random)
          for y in 0..<shape.height { delta[(c * shape.height + y) * shape.width + x] = value }
        }
      }
      return ball.project(zip(ball.centre, delta).map { $0 + $1 })
    }
    let side = max((isSignal ? shape.width : shape.height) / 5, 1)
    let patch = patch(side)
    let length = isSignal ? shape.width : shape.height
    let margin = (length - min(5 * side, length)) / 2
    for top in stride(
      from: isSignal ? 0 : margin, through: shape.height - patch.rows, by: patch.rows)
    {
      for left in stride(from: margin, through: shape.width - side, by: side) {
        let bump = Self.bump(patch, &random)
        for c in 0..<shape.channels {
          let sign = Self.sign(&random)
          for (offset, i) in window(c, top, left, patch).enumerated() {
            delta[i] = sign * bump[offset]
          }
        }
      }
    }
    return scaled(delta)
  }

  /// The image with one patch anew.
  package func next(_ image: [Float], share: Double, _ random: inout RandomStream) -> [Float] {
    let wanted = share * Double(area)
    let side = Int((isSignal ? wanted : wanted.squareRoot()).rounded())
    let most = isSignal ? shape.width : min(shape.height, shape.width)
    return ball.norm == .l2
      ? moved(image, patch(min(max(side, 3) | 1, most)), &random)
      : repainted(image, patch(min(max(side, 1), most)), &random)
  }

  /// ℓ∞: a patch at ±ε, of one sign a channel.
  private func repainted(
    _ image: [Float], _ patch: Patch, _ random: inout RandomStream
  ) -> [Float] {
    let (top, left) = place(patch, &random)
    var target = image.map(Double.init)
    for c in 0..<shape.channels {
      let value = ball.epsilon * Self.sign(&random)
      for i in window(c, top, left, patch) { target[i] = ball.centre[i] + value }
    }
    return ball.project(target)
  }

  /// ℓ2: the length of two patches, and what is left of ε, goes to one of them, on its own shape and
  /// a bump.
  private func moved(
    _ image: [Float], _ patch: Patch, _ random: inout RandomStream
  ) -> [Float] {
    var delta = zip(image, ball.centre).map { Double($0) - $1 }
    let (to, from) = (place(patch, &random), place(patch, &random))
    let bump = Self.bump(patch, &random)
    let unspent = max(ball.epsilon * ball.epsilon - Self.square(delta), 0)
    for c in 0..<shape.channels {
      let target = window(c, to.top, to.left, patch)
      let both =
        target
        + window(c, from.top, from.left, patch).filter { i in
          let (y, x) = (i / shape.width % shape.height, i % shape.width)
          return !(to.top..<to.top + patch.rows).contains(y)
            || !(to.left..<to.left + patch.columns).contains(x)
        }
      let budget =
        (unspent / Double(shape.channels) + Self.square(both.map { delta[$0] })).squareRoot()
      let old = Self.square(target.map { delta[$0] }).squareRoot() + 1e-12
      let sign = Self.sign(&random)
      let patch = target.indices.map { sign * bump[$0] + delta[target[$0]] / old }
      let factor = budget / (Self.square(patch).squareRoot() + 1e-12)
      for i in both { delta[i] = 0 }
      for (offset, i) in target.enumerated() { delta[i] = factor * patch[offset] }
    }
    return scaled(delta)
  }

  /// The clean image plus `delta` at length ε, clipped.
  private func scaled(_ delta: [Double]) -> [Float] {
    let factor = ball.epsilon / (Self.square(delta).squareRoot() + 1e-12)
    return ball.project(zip(ball.centre, delta).map { $0 + factor * $1 })
  }

  private func place(_ patch: Patch, _ random: inout RandomStream) -> (top: Int, left: Int) {
    (
      Int(random.uniform() * Double(shape.height - patch.rows + 1)),
      Int(random.uniform() * Double(shape.width - patch.columns + 1))
    )
  }

  /// Indices of a patch of one channel, row by row.
  private func window(_ c: Int, _ top: Int, _ left: Int, _ patch: Patch) -> [Int] {
    (top..<top + patch.rows).flatMap { y in
      (left..<left + patch.columns).map { (c * shape.height + y) * shape.width + $0 }
    }
  }

  /// A bump up beside a bump down, `[rows, columns]`, of length 1, in two rows or in two columns.
  private static func bump(_ patch: Patch, _ random: inout RandomStream) -> [Double] {
    let side = patch.columns
    guard patch.rows > 1 else {
      let row = rings(1, side / 2) + rings(1, side - side / 2).map { -$0 }
      let length = square(row).squareRoot()
      return row.map { $0 / length }
    }
    let (upper, lower) = (rings(side / 2, side), rings(side - side / 2, side))
    let rows = upper + lower.map { -$0 }
    let length = square(rows).squareRoot()
    let isTurned = random.uniform() > 0.5
    return rows.indices.map { i in
      rows[isTurned ? i % side * side + i / side : i] / length
    }
  }

  /// Rectangles about the middle, one in the other, of weights 1, 1/4, 1/9 … added up; length 1.
  private static func rings(_ height: Int, _ width: Int) -> [Double] {
    guard height > 0 else { return [] }
    var values = [Double](repeating: 0, count: height * width)
    let (middleY, middleX) = (height / 2, width / 2)
    for ring in 0..<max(middleY, middleX) + 1 {
      let weight = 1 / Double((ring + 1) * (ring + 1))
      for y in max(middleY - ring, 0)..<min(middleY + ring + 1, height) {
        for x in max(middleX - ring, 0)..<min(middleX + ring + 1, width) {
          values[y * width + x] += weight
        }
      }
    }
    let length = square(values).squareRoot()
    return values.map { $0 / length }
  }

  private static func sign(_ random: inout RandomStream) -> Double {
    random.uniform() < 0.5 ? -1 : 1
  }

  private static func square(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
}
