import Foundation
import Records

/// The images within ε of a clean one in a norm, and within [0, 1].
///
/// Projections round inward: the distance, computed in Double against the clean image's exact grey
/// grey values k/255, is never above ε.
public struct Ball: Sendable {
  /// Clean pixels in Double: k/255 where the Float is that grey level, else the Float itself.
  public let centre: [Double]
  let norm: AttackConfiguration.Norm
  let epsilon: Double
  /// Box around the centre: [0, 1] and, for ℓ∞, ε.
  private let low: [Float]
  private let high: [Float]

  /// The ball around `image`, pixel units; `norm` is ℓ∞ or ℓ2.
  public init(around image: [Float], norm: AttackConfiguration.Norm, epsilon: Double) {
    precondition(norm.isBall, "\(norm.rawValue) bounds no distance in pixel units")
    centre = image.map { pixel in
      let grey = (Double(pixel) * 255).rounded()
      return Float(grey) / 255 == pixel ? grey / 255 : Double(pixel)
    }
    self.norm = norm
    self.epsilon = epsilon
    let reach = norm == .linf ? epsilon : .infinity
    low = centre.map { c in
      var bound = Float(max(c - reach, 0))
      while c - Double(bound) > reach { bound = bound.nextUp }
      return max(bound, 0)
    }
    high = centre.map { c in
      var bound = Float(min(c + reach, 1))
      while Double(bound) - c > reach { bound = bound.nextDown }
      return min(bound, 1)
    }
  }

  /// All images, with distances from `image`.
  init(around image: [Float]) { self.init(around: image, norm: .linf, epsilon: 1) }

  /// The nearest image of the ball (for ℓ2: pulled back along the ray, then clipped).
  public func project(_ image: [Double]) -> [Float] {
    var result = [Float](repeating: 0, count: image.count)
    var target = result.mutableSpan
    project(into: &target) { image[$0] }
    return result
  }

  /// target ← the projection of a step from `source` up `gradient`: by `size` times the signs for
  /// ℓ∞, by the length `size` for ℓ2; where the gradient is zero, or no number, nothing moves. No
  /// memory is allocated.
  public func step(
    from source: Span<Float>, along gradient: Span<Float>, by size: Double,
    into target: inout MutableSpan<Float>
  ) {
    precondition(
      source.count == centre.count && gradient.count == centre.count,
      "a step of \(gradient.count) values from \(source.count) in a ball of \(centre.count)")
    guard norm == .l2 else {
      return project(into: &target) { i in
        let g = gradient[i]
        return Double(source[i]) + (g > 0 ? size : g < 0 ? -size : 0)
      }
    }
    var length = 0.0
    for i in gradient.indices { length += Double(gradient[i]) * Double(gradient[i]) }
    guard length > 0, length.isFinite else {
      return project(into: &target) { i in Double(source[i]) }
    }
    let factor = size / length.squareRoot()
    project(into: &target) { i in Double(source[i]) + factor * Double(gradient[i]) }
  }

  /// The projection of a step from `image` up `gradient`.
  public func stepped(_ image: [Float], along gradient: [Float], by size: Double) -> [Float] {
    var result = [Float](repeating: 0, count: image.count)
    var target = result.mutableSpan
    step(from: image.span, along: gradient.span, by: size, into: &target)
    return result
  }

  /// Distance from the centre in the ball's own norm.
  package func distance(_ image: [Float]) -> Double {
    norm == .l2 ? distance2(image.map(Double.init)) : distanceInfinity(image)
  }

  /// ‖x − centre‖∞.
  public func distanceInfinity(_ image: [Float]) -> Double {
    zip(image, centre).reduce(0) { max($0, (Double($1.0) - $1.1).magnitude) }
  }

  /// ‖x − centre‖₂.
  public func distance2(_ image: [Double]) -> Double {
    zip(image, centre).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
  }

  /// target ← the projection of the point whose coordinates `point` gives, twice and more for ℓ2.
  @inline(__always)
  private func project(into target: inout MutableSpan<Float>, _ point: (Int) -> Double) {
    guard norm == .l2 else {
      for i in centre.indices { target[i] = clip(i, point(i)) }
      return
    }
    var length = 0.0
    for i in centre.indices {
      let d = point(i) - centre[i]
      length += d * d
    }
    length = length.squareRoot()
    // Float rounding can add up to half a unit in the last place a pixel: shrink until it holds.
    var scale = length > epsilon ? epsilon / length : 1
    while true {
      var distance = 0.0
      for i in centre.indices {
        let value = clip(i, centre[i] + (point(i) - centre[i]) * scale)
        target[i] = value
        let d = Double(value) - centre[i]
        distance += d * d
      }
      if distance.squareRoot() <= epsilon { return }
      scale *= 1 - 1e-7
    }
  }

  @inline(__always)
  private func clip(_ i: Int, _ value: Double) -> Float { min(max(Float(value), low[i]), high[i]) }
}
