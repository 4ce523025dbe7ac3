import Records
import TensorCore

/// A common corruption at one of five severities: a natural shift, which looks at no classifier.
///
/// Kinds and constants are those of CIFAR-10-C, whose images are whole grey values, rounded down;
/// `occlusion` is Elbow's own.
///
/// **Source** Hendrycks and Dietterich 2019 (arXiv 1903.12261) and its public code for CIFAR-10-C.
public struct Corruption: QueryAttack {
  /// What happens to the image.
  public enum Kind: String, CaseIterable, Sendable {
    /// As `title` says.
    case noise, blur, contrast, brightness, jpeg, pixelate, occlusion

    /// What it is, in a line.
    public var title: String {
      switch self {
      case .noise: "Gaussian noise"
      case .blur: "Gaussian blur"
      case .contrast: "lower contrast"
      case .brightness: "more brightness"
      case .jpeg: "JPEG compression"
      case .pixelate: "fewer pixels"
      case .occlusion: "a grey square"
      }
    }

    /// The constant at severities 1…5: a standard deviation, a standard deviation in pixels, a factor
    /// on contrast, an offset of brightness, a JPEG quality, a factor on the size, a share of it.
    public var constants: [Double] {
      switch self {
      case .noise: [0.04, 0.06, 0.08, 0.09, 0.10]
      case .blur: [0.4, 0.6, 0.7, 0.8, 1]
      case .contrast: [0.75, 0.5, 0.4, 0.3, 0.15]
      case .brightness: [0.05, 0.1, 0.15, 0.2, 0.3]
      case .jpeg: [80, 65, 58, 50, 40]
      case .pixelate: [0.95, 0.9, 0.85, 0.75, 0.65]
      case .occlusion: [0.15, 0.25, 0.35, 0.45, 0.55]
      }
    }
  }

  /// What happens to the image.
  public var kind: Kind
  /// How strongly, 1…5.
  public var severity: Int

  /// The corruption as given.
  public init(_ kind: Kind, severity: Int) {
    precondition((1...5).contains(severity), "severity is 1 to 5, got \(severity)")
    (self.kind, self.severity) = (kind, severity)
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, asking view: inout QueryView
  ) throws -> Shortlist {
    var found = view.shortlist
    found.offer(
      AttackPoint(
        image: apply(to: view.image, of: view.shape, &random), loss: .nan, margin: -.infinity))
    return found
  }

  /// The corrupted image, planar `[C, H, W]`, pixel units, whole grey values.
  public func apply(
    to image: [Float], of shape: ImageShape, _ random: inout RandomStream
  ) -> [Float] {
    let planes = Planes(image, shape)
    let constant = kind.constants[severity - 1]
    let result =
      switch kind {
      case .noise: planes.noisy(deviation: constant, &random)
      case .blur: planes.blurred(deviation: constant)
      case .contrast: planes.contrasted(by: constant)
      case .brightness: planes.brightened(by: constant)
      case .jpeg: JPEGRoundTrip(quality: Int(constant)).apply(to: planes)
      case .pixelate: planes.pixelated(to: constant)
      case .occlusion: planes.occluded(share: constant, &random)
      }
    return result.image
  }
}

extension AttackEntry {
  /// Corruptions, one for each kind.
  static let corruptions = Corruption.Kind.allCases.map { kind in
    AttackEntry(
      "corruption-\(kind.rawValue)", "\(kind.title); epsilon is the severity, 1 to 5",
      kind: .shift, norms: [.corruption], steps: nil, takesRestarts: false
    ) { Corruption(kind, severity: Int($0.epsilon)) }
  }
}
