import Records
import TensorCore

/// Spatially transformed adversarial images: a field that says from where each pixel is taken, smooth
/// and of bounded length, found by Adam.
///
/// **Units** The field is in those of a grid from −1 to 1 across the image, as in the published code:
/// 0.05 is 0.7 pixels of 28.
///
/// **Source** Xiao et al. 2018 (arXiv 1801.02612), equations 1–4; bound and constants of Laidlaw et
/// al. 2021 (arXiv 2006.12655).
public struct StAdv: Attack {
  /// Largest displacement in each direction.
  public var bound: Double
  /// Adam steps.
  public var steps: Int
  /// Adam's rate.
  public var rate: Double
  /// Weight of the field's roughness against the margin, times the bound.
  public var smoothness: Double

  /// The attack as given.
  public init(
    bound: Double, steps: Int = 100, rate: Double = 0.01, smoothness: Double = 0.0025
  ) {
    (self.bound, self.steps, self.rate, self.smoothness) = (bound, steps, rate, smoothness)
  }

  public func search(
    _ restart: Int, _ random: inout RandomStream, through view: inout GradientView
  ) throws -> Shortlist {
    var flow = FlowField(of: view.queries.shape)
    if restart > 0 {
      for i in flow.values.indices { flow.values[i] = bound * (2 * random.uniform() - 1) }
    }
    var adam = AdamSteps(rate: rate, count: flow.values.count)
    var found = view.queries.shortlist
    for step in 0...steps {
      let point = try view.look(at: flow.apply(to: view.queries.image), .untargeted(.margin))
      found.offer(point)
      guard step < steps else { break }
      let slope = flow.pullback(of: point.gradient, at: view.queries.image)
      let roughness = flow.roughnessGradient
      let weight = smoothness / bound
      let gradient = slope.indices.map { weight * roughness[$0] - point.scale * slope[$0] }
      adam.descend(&flow.values, along: gradient)
      flow.clip(to: bound)
    }
    return found
  }
}

extension AttackEntry {
  /// Spatially transformed images.
  static let stadv = AttackEntry(
    "stadv", "smooth displacement of pixels, bounded in grid units of −1 to 1 across the image",
    norms: [.flow], steps: 100,
    parameters: [
      AttackParameter("rate", "Adam's rate", usual: 0.01, in: 1e-6...1),
      AttackParameter(
        "smoothness", "weight of the field's roughness, times epsilon", usual: 0.0025, in: 0...1e3),
    ]
  ) { StAdv(bound: $0.epsilon, steps: $0.steps, rate: $0["rate"], smoothness: $0["smoothness"]) }
}
