import Records

/// A loss that a strategy asked for and that was not recorded.
public struct MissingLoss: Error, CustomStringConvertible, Equatable {
  /// Noise draw, timestep and class.
  public let draw, timestep, label: Int

  /// Names the loss and the remedy.
  public var description: String {
    "no loss is recorded for draw \(draw), timestep \(timestep), class \(label); replay a run of "
      + "strategy 'full' with as many draws"
  }
}

/// The losses that a run recorded of one image: strategies replay on them without a network.
public struct RecordedLossSource: LossSource {
  private struct Place: Hashable {
    var draw, timestep, label: Int
  }

  public let classCount: Int
  public let sharesEvaluations: Bool
  private let values: [Place: Float]

  /// - Parameters:
  ///   - record: as it was recorded.
  ///   - timesteps: those that the recording strategy asked for every class, rising; used where the
  ///     record is dense.
  ///   - classCount: K.
  ///   - sharesEvaluations: as of the run's live source: `ClassifierPlan.sharesEvaluations`.
  public init(
    _ record: LossRecord, timesteps: [Int], classCount: Int, sharesEvaluations: Bool
  ) {
    self.classCount = classCount
    self.sharesEvaluations = sharesEvaluations
    let losses: [LossRecord.Loss]
    switch record {
    case .sparse(let items): losses = items
    case .dense(let values):
      let perDraw = timesteps.count * classCount
      precondition(
        perDraw > 0 && values.count % perDraw == 0,
        "\(values.count) losses are no whole number of draws of \(timesteps.count) timesteps and "
          + "\(classCount) classes")
      losses = values.enumerated().map { i, value in
        .init(
          draw: i / perDraw, timestep: timesteps[i % perDraw / classCount], label: i % classCount,
          value: value)
      }
    }
    values = Dictionary(
      losses.map { (Place(draw: $0.draw, timestep: $0.timestep, label: $0.label), $0.value) },
      uniquingKeysWith: { first, _ in first })
  }

  public func losses(classes: [Int], timesteps: [Int], draw: Int) throws -> [Float] {
    try timesteps.flatMap { timestep in
      try classes.map { label in
        guard let value = values[Place(draw: draw, timestep: timestep, label: label)] else {
          throw MissingLoss(draw: draw, timestep: timestep, label: label)
        }
        return value
      }
    }
  }
}
