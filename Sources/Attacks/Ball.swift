import Foundation
import Records

/// The images within ε of a clean one in a norm, and within [0, 1].
///
/// Projections round inward: the distance, computed in Double against the clean image's exact grey
/// levels k/255, is never above ε.
public struct Ball: Sendable {
  /// Clean pixels in Double: k/255 where the Float is that grey level, else the Float itself.
  public let centre: [Double]
  private let norm: AttackConfiguration.Norm
  private let epsilon: Double
  /// Box around the centre: [0, 1] and, for ℓ∞, ε.
  private let low: [Float]
  private let high: [Float]

  /// The ball around `image`, pixel units.
  public init(around image: [Float], norm: AttackConfiguration.Norm, epsilon: Double) {
    centre = image.map { pixel in
      let level = (Double(pixel) * 255).rounded()
      return Float(level) / 255 == pixel ? level / 255 : Double(pixel)
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

  /// The nearest image of the ball (for ℓ2: pulled back along the ray, then clipped).
  public func project(_ image: [Double]) -> [Float] {
    guard norm == .l2 else { return clip(image) }
    let length = distance2(image)
    // Float rounding can add up to half a unit in the last place a pixel: shrink until it holds.
    var scale = length > epsilon ? epsilon / length : 1
    while true {
      let result = clip(zip(image, centre).map { $1 + ($0 - $1) * scale })
      if distance2(result.map(Double.init)) <= epsilon { return result }
      scale *= 1 - 1e-7
    }
  }

  /// ‖x − centre‖∞.
  public func distanceInfinity(_ image: [Float]) -> Double {
    zip(image, centre).reduce(0) { max($0, (Double($1.0) - $1.1).magnitude) }
  }

  /// ‖x − centre‖₂.
  public func distance2(_ image: [Double]) -> Double {
    zip(image, centre).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
  }

  private func clip(_ image: [Double]) -> [Float] {
    image.indices.map { min(max(Float(image[$0]), low[$0]), high[$0]) }
  }
}
