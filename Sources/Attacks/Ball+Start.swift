import Foundation
import TensorCore

/// Where an attack begins.
public enum AttackStart: Sendable {
  /// At the clean image.
  case clean
  /// Uniformly in the ball (before [0, 1] clips it).
  case uniform
  /// At distance ε from the clean image, in a uniform direction (ℓ∞: in the cube, ℓ2: on the sphere).
  case surface
  /// At the clean image plus normal noise of this deviation, projected.
  case gaussian(deviation: Double)
}

extension Ball {
  /// The image that an attack begins at.
  public func start(_ kind: AttackStart, _ random: inout RandomStream) -> [Float] {
    switch (kind, norm) {
    case (.clean, _):
      return project(centre)
    case (.uniform, .l2):
      let direction = gaussians(&random)
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let radius = epsilon * pow(random.uniform(), 1 / Double(centre.count))
      return project(zip(centre, direction).map { $0 + radius / length * $1 })
    case (.uniform, _):
      return project(centre.map { $0 + epsilon * (2 * random.uniform() - 1) })
    case (.surface, _):
      return project(zip(centre, surface(&random)).map { $0 + epsilon * $1 })
    case (.gaussian(let deviation), _):
      return project(zip(centre, gaussians(&random)).map { $0 + deviation * $1 })
    }
  }

  /// A direction of length 1 in the ball's norm.
  func surface(_ random: inout RandomStream) -> [Double] {
    guard norm == .l2 else {
      let direction = centre.map { _ in 2 * random.uniform() - 1 }
      let largest = direction.reduce(0) { max($0, $1.magnitude) }
      return direction.map { $0 / largest }
    }
    let direction = gaussians(&random)
    let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return direction.map { $0 / length }
  }

  private func gaussians(_ random: inout RandomStream) -> [Double] {
    var values = [Float](repeating: 0, count: centre.count)
    var span = values.mutableSpan
    random.gaussians(into: &span)
    return values.map(Double.init)
  }
}
