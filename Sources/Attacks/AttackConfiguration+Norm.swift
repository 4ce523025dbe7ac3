import Foundation
import Records
import TensorCore

extension AttackConfiguration.Norm {
  /// Budget where none is given.
  public var usualEpsilon: Double {
    switch self {
    case .linf: 8.0 / 255
    case .l2: 0.5
    case .flow: 0.05
    case .rotation: 1
    case .corruption: 3
    }
  }

  /// What is wrong with a budget, nil where nothing is: beyond the farthest image it bounds nothing.
  public func problem(epsilon: Double, _ shape: ImageShape) -> String? {
    func refusal(_ most: Double, _ bound: String, _ example: String) -> String? {
      guard !(epsilon > 0 && epsilon <= most) else { return nil }
      return
        "`epsilon` must be above 0 and at most \(bound) for \(rawValue), got \(epsilon); usual "
        + "is \(example)"
    }
    switch self {
    case .linf:
      return refusal(1, "1 (pixels are 0 to 1)", "8/255")
    case .l2:
      let farthest = Double(shape.count).squareRoot()
      let text = String(format: "%.4g", farthest)
      return refusal(farthest, "\(text) (√\(shape.count) pixels of 0 to 1)", "0.5, for linf 8/255")
    case .flow:
      return refusal(2, "2 (the image's width)", "0.05")
    case .rotation:
      return refusal(6, "6 (±180°)", "1 (±30°, ±3 pixels)")
    case .corruption:
      return (1...5).contains(epsilon) && epsilon == epsilon.rounded()
        ? nil : "`epsilon` must be a severity 1, 2, 3, 4 or 5 for \(rawValue), got \(epsilon)"
    }
  }
}
