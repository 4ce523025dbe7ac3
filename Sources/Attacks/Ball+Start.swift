import Foundation
import TensorCore

/// Where an attack begins.
public enum AttackStart: Sendable {
  /// At the clean image.
  case clean
  /// Uniformly in the ball (before [0, 1] clips it).
  case uniform
  /// At the clean image plus normal noise of this deviation, projected.
  case gaussian(deviation: Double)
}

extension Ball {
  /// The image that an attack begins at.
  public func start(_ kind: AttackStart, _ random: inout RandomStream) -> [Float] {
    switch (kind, norm) {
    case (.clean, _):
      return project(centre)
    case (.uniform, .linf):
      return project(centre.map { $0 + epsilon * (2 * random.uniform() - 1) })
    case (.uniform, .l2):
      let direction = gaussians(&random)
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let radius = epsilon * pow(random.uniform(), 1 / Double(centre.count))
      return project(zip(centre, direction).map { $0 + radius / length * $1 })
    case (.gaussian(let deviation), _):
      return project(zip(centre, gaussians(&random)).map { $0 + deviation * $1 })
    }
  }

  private func gaussians(_ random: inout RandomStream) -> [Double] {
    var values = [Float](repeating: 0, count: centre.count)
    var span = values.mutableSpan
    random.gaussians(into: &span)
    return values.map(Double.init)
  }
}
