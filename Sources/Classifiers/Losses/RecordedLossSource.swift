import Records

/// A loss that a strategy asked for and that was not recorded.
package struct MissingLoss: Error, CustomStringConvertible, Equatable {
  /// Noise draw, timestep and class.
  package let draw, timestep, label: Int

  /// The loss of that place.
  package init(draw: Int, timestep: Int, label: Int) {
    (self.draw, self.timestep, self.label) = (draw, timestep, label)
  }

  /// Names the loss and the remedy.
  package var description: String {
    "no loss is recorded for draw \(draw), timestep \(timestep), class \(label); replay a run of "
      + "strategy 'full' with as many draws"
  }
}

/// The losses that a run recorded of one image: strategies replay on them without a network.
public struct RecordedLossSource: LossSource {
  public let classCount: Int
  public let sharesEvaluations: Bool
  /// `[draw][row][class]`; NaN, which no loss ever is, where none was recorded.
  private let values: [Float]
  /// Row of each timestep, −1 where it was never asked for.
  private let rows: [Int]
  /// Number of rows.
  private let rowCount: Int

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
    switch record {
    case .dense(let values):
      let perDraw = timesteps.count * classCount
      precondition(
        perDraw > 0 && values.count % perDraw == 0,
        "\(values.count) losses are no whole number of draws of \(timesteps.count) timesteps and "
          + "\(classCount) classes")
      self.values = values
      rows = Self.rows(of: timesteps)
      rowCount = timesteps.count
    case .sparse(let losses):
      let rows = Self.rows(of: Set(losses.map(\.timestep)).sorted())
      let rowCount = rows.count { $0 >= 0 }
      let draws = (losses.map(\.draw).max() ?? -1) + 1
      var values = [Float](repeating: .nan, count: draws * rowCount * classCount)
      for loss in losses {
        values[(loss.draw * rowCount + rows[loss.timestep]) * classCount + loss.label] = loss.value
      }
      (self.values, self.rows, self.rowCount) = (values, rows, rowCount)
    }
  }

  /// The place of each of `timesteps`, −1 at all others.
  private static func rows(of timesteps: [Int]) -> [Int] {
    var rows = [Int](repeating: -1, count: (timesteps.last ?? -1) + 1)
    for (row, timestep) in timesteps.enumerated() { rows[timestep] = row }
    return rows
  }

  public func losses(classes: [Int], timesteps: [Int], draw: Int) throws -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(classes.count * timesteps.count)
    for timestep in timesteps {
      let row = rows.indices.contains(timestep) ? rows[timestep] : -1
      let start = (draw * rowCount + row) * classCount
      for label in classes {
        let value = row >= 0 && start + label < values.count ? values[start + label] : .nan
        guard !value.isNaN else {
          throw MissingLoss(draw: draw, timestep: timestep, label: label)
        }
        result.append(value)
      }
    }
    return result
  }
}
