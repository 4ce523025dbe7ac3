import Foundation
import Records
import TensorCore

/// The worst of a grid of rotations and translations.
///
/// **Units** ε is the share of the usual range, ±30° and ±3 pixels.
///
/// **Source** Engstrom et al. 2019 (arXiv 1712.02779), section 3.
public struct RotationTranslation: QueryAttack {
  /// Share of the range, above 0.
  public var share: Double
  /// Angles in the grid.
  public var angles: Int
  /// Shifts in each direction.
  public var shifts: Int

  /// Degrees and pixels at ε 1.
  private static let (degrees, pixels) = (30.0, 3.0)

  /// The attack as given.
  public init(share: Double, angles: Int = 31, shifts: Int = 5) {
    (self.share, self.angles, self.shifts) = (share, angles, shifts)
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, asking view: inout QueryView
  ) throws -> Shortlist {
    var found = view.shortlist
    for angle in Self.spread(share * Self.degrees * .pi / 180, over: angles) {
      for down in Self.spread(share * Self.pixels, over: shifts) {
        for right in Self.spread(share * Self.pixels, over: shifts) {
          let image = Self.moved(view.image, view.shape, angle: angle, down: down, right: right)
          let point = try view.look(at: image)
          found.offer(point)
          if view.isCertain, point.margin > 0 { return found }
        }
      }
    }
    return found
  }

  /// So many numbers from −bound to bound; one: 0.
  private static func spread(_ bound: Double, over count: Int) -> [Double] {
    (0..<count).map { count == 1 ? 0 : bound * (2 * Double($0) / Double(count - 1) - 1) }
  }

  /// The image turned about its middle by `angle`, then shifted; black where it had nothing.
  package static func moved(
    _ image: [Float], _ shape: ImageShape, angle: Double, down: Double, right: Double
  ) -> [Float] {
    let (middleY, middleX) = (Double(shape.height - 1) / 2, Double(shape.width - 1) / 2)
    let area = shape.height * shape.width
    var result = image
    for pixel in 0..<area {
      let y = Double(pixel / shape.width) - middleY - down
      let x = Double(pixel % shape.width) - middleX - right
      let sourceY = middleY + cos(angle) * y - sin(angle) * x
      let sourceX = middleX + sin(angle) * y + cos(angle) * x
      let (top, left) = (sourceY.rounded(.down), sourceX.rounded(.down))
      let (f, g) = (sourceY - top, sourceX - left)
      for c in 0..<shape.channels {
        func at(_ y: Double, _ x: Double) -> Double {
          guard y >= 0, x >= 0, y < Double(shape.height), x < Double(shape.width) else { return 0 }
          return Double(image[c * area + Int(y) * shape.width + Int(x)])
        }
        let value =
          (1 - f) * ((1 - g) * at(top, left) + g * at(top, left + 1))
          + f * ((1 - g) * at(top + 1, left) + g * at(top + 1, left + 1))
        result[c * area + pixel] = Float(min(max(value, 0), 1))
      }
    }
    return result
  }
}

extension AttackEntry {
  /// Rotations and translations.
  static let rotationTranslation = AttackEntry(
    "rotation-translation", "worst of a grid of rotations and shifts; epsilon 1: ±30°, ±3 pixels",
    kind: .query, norms: [.rotation], steps: nil,
    parameters: [
      AttackParameter("angles", "angles in the grid", usual: 31, in: 1...1000, isWhole: true),
      AttackParameter("shifts", "shifts in each direction", usual: 5, in: 1...100, isWhole: true),
    ]
  ) {
    RotationTranslation(
      share: $0.epsilon, angles: $0.count("angles"), shifts: $0.count("shifts"))
  }
}
