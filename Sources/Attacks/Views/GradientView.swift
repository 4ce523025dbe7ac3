import Classifiers

/// A classifier as a white-box attacker of one image sees it: logits and gradients, at a price.
public struct GradientView {
  /// The same classifier, looked at without gradients.
  public var queries: QueryView
  private let classifier: any DifferentiableClassifier
  /// Pixels of all gradients, and how many were exactly zero.
  private var (pixels, zeros) = (0, 0)
  /// Classes are expected to weigh something where they did at the last look.
  private var demand: GradientDemand

  init(_ queries: QueryView, of classifier: any DifferentiableClassifier) {
    (self.queries, self.classifier) = (queries, classifier)
    demand = GradientDemand(
      expecting: [queries.label], neglecting: queries.knowledge.negligible)
  }

  /// Share of the pixels of all gradients that were exactly zero, 0…1; nil where none was asked for.
  public var zeroGradientShare: Double? { pixels > 0 ? Double(zeros) / Double(pixels) : nil }

  /// The objective, its gradient and the margin at an image.
  ///
  /// - Throws: what the classifier throws.
  public mutating func look(
    at image: [Float], _ objective: AttackObjective
  ) throws -> AttackPoint {
    let label = queries.label
    var draws: [(loss: Double, margin: Double, scale: Double, gradient: [Float])] = []
    for stream in queries.nextStreams() {
      let result = try classifier.gradient(
        of: image, key: queries.key, stream: stream, asking: demand
      ) { logits in
        // Scaled to 1, so that a saturated softmax does not underflow in Float.
        let slope = objective.value(logits, label: label).gradient
        let scale = slope.reduce(0) { max($0, $1.magnitude) }
        return scale > 0 ? slope.map { $0 / scale } : slope
      }
      let (value, slope) = objective.value(result.logits, label: label)
      draws.append(
        (
          value, AttackLoss.margin.value(result.logits, label: label).loss,
          slope.reduce(0) { max($0, $1.magnitude) }, result.gradient
        ))
      queries.spend(result.cost)
      let weighed = demand.weighed(slope)
      if !weighed.isEmpty { demand.expected = weighed }
    }
    // The mean over draws up to a common factor.
    let largest = draws.reduce(0) { max($0, $1.scale) }
    var gradient = [Double](repeating: 0, count: image.count)
    for draw in draws where draw.scale > 0 {
      for i in gradient.indices {
        gradient[i] += draw.scale / largest * Double(draw.gradient[i])
      }
    }
    pixels += gradient.count
    zeros += gradient.count { $0 == 0 }
    let count = Double(draws.count)
    var point = AttackPoint(
      image: image, loss: draws.reduce(0) { $0 + $1.loss } / count,
      margin: draws.reduce(0) { $0 + $1.margin } / count)
    point.gradient = gradient.map { Float($0) }
    point.scale = largest / count
    return point
  }
}
