import Records

/// A classifier's full answer for one image: what a run records.
public struct Answer: Sendable {
  /// argmax of the evidence.
  public var predicted: Int
  /// One entry a class.
  public var evidence: [ClassEvidence]
  /// Raw losses asked for, nil where the classifier has none.
  public var losses: LossRecord?
  /// Compute spent.
  public var cost: Cost
  /// Largest pixel movement by the purifier, pixel units; nil without one.
  public var movementMax: Double?
  /// Mean absolute pixel movement by the purifier, pixel units; nil without one.
  public var movementMean: Double?

  /// An answer without losses and movement.
  public init(predicted: Int, evidence: [ClassEvidence], cost: Cost) {
    self.predicted = predicted
    self.evidence = evidence
    self.cost = cost
  }

  /// The answer of logits, which are the evidence; ties go to the lower class.
  package init(logits: [Double], cost: Cost) {
    self.init(
      predicted: logits.indices.max { (logits[$0], -$0) < (logits[$1], -$1) } ?? 0,
      evidence: logits.indices.map { ClassEvidence(label: $0, elbo: logits[$0], lastRound: 0) },
      cost: cost)
  }
}

/// A classifier that answers with the evidence for every class.
public protocol ImageClassifier: DifferentiableClassifier {
  /// Classifies one image.
  ///
  /// - Parameters:
  ///   - image: planar `[C, H, W]`, pixel units [0, 1].
  ///   - key: names the image for the noise.
  ///   - stream: the defence's own stream for a recorded prediction.
  func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> Answer
}
