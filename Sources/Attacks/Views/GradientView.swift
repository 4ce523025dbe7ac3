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
  /// What the last look at all classes was for, and how many there have been since.
  private var overview: (objective: AttackObjective, looks: Int)?

  init(_ queries: QueryView, of classifier: any DifferentiableClassifier) {
    (self.queries, self.classifier) = (queries, classifier)
    demand = GradientDemand(
      expecting: [queries.label], neglecting: queries.knowledge.negligible,
      askingAll: queries.knowledge.asksAll)
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
    let isOverview = beginLook(objective)
    var draws: [(loss: Double, margin: Double, scale: Double, gradient: [Float])] = []
    var (seen, weighed): ([[Double]], [Int]) = ([], [])
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
          value, AttackLoss.judged(result.logits, label: label, predicted: result.predicted),
          slope.reduce(0) { max($0, $1.magnitude) }, result.gradient
        ))
      queries.spend(result.cost)
      weighed += demand.weighed(slope).filter { !weighed.contains($0) }
      seen.append(result.logits)
    }
    if !weighed.isEmpty { demand.expected = weighed }
    if isOverview { demand.absence = absence(after: seen) }
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

  /// Whether the look that begins is at all classes.
  private mutating func beginLook(_ objective: AttackObjective) -> Bool {
    if let last = overview, last.objective == objective, last.looks + 1 < Knowledge.period {
      overview?.looks += 1
      return false
    }
    overview = (objective, 0)
    demand.absence = nil
    return queries.knowledge.rivals > 0
  }

  /// The classes that the looks to come do without: all but the true one, its likeliest rivals, those
  /// that beat it, and what weighs in the objective.
  private func absence(after draws: [[Double]]) -> GradientDemand.Absence? {
    let label = queries.label
    var gaps: [Int: Double] = [:]
    for k in 0..<queries.classCount {
      gaps[k] = draws.reduce(0) { $0 + $1[k] - $1[label] } / Double(draws.count)
    }
    guard gaps.values.allSatisfy(\.isFinite) else { return nil }
    let order = AttackLoss.descending((0..<queries.classCount).map { gaps[$0] ?? 0 })
    let rivals = order.filter { $0 != label }.prefix(queries.knowledge.rivals)
    let winners = order.prefix { $0 != label }
    for k in [label] + rivals + winners + demand.expected { gaps[k] = nil }
    return gaps.isEmpty ? nil : GradientDemand.Absence(from: label, gaps: gaps)
  }
}
