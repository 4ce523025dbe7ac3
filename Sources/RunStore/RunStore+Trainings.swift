import Basics
import GRDB
import Records

/// A training as it is recorded.
public struct TrainingRecord: Sendable {
  /// ULID.
  public let id: String
  /// What is trained, as `diffusion`.
  public let kind: String
  /// `running`, `finished`, `failed` or `interrupted`.
  public let status: String
  /// Canonical JSON, defaults included.
  public let recipe: String
  /// Dataset's name.
  public let dataset: String
  /// SHA-256 of its labels and pixels.
  public let datasetSHA256: String
  /// SHA-256 of the checkpoint begun from; nil: random weights.
  public let initialSHA256: String?
  /// SHA-256 of the produced tensors; nil: it is not finished.
  public let modelSHA256: String?
  /// What was measured, step by step.
  public let metrics: [TrainingMetric]
}

extension RunStore {
  /// The training whose id begins with a text; nil where none does.
  ///
  /// - Throws: `ElbowError` where several do, or it cannot be what it should.
  public func recordedTraining(_ prefix: String) throws -> TrainingRecord? {
    try reading { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT id, kind, status, recipe, dataset, dataset_sha256, initial_sha256, model_sha256
          FROM training WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT 2
          """, arguments: [prefix.uppercased()])
      guard rows.count < 2 else {
        throw ElbowError(
          .ambiguous, "several trainings begin with '\(prefix)'; give more characters")
      }
      guard let row = rows.first, !prefix.isEmpty else { return nil }
      let training = CheckedRow(row, of: row[0] ?? "", in: path)
      let id = try training.text(0)
      let metrics = try Row.fetchAll(
        db,
        sql: """
          SELECT step, name, value FROM training_metric
          WHERE training_id = ? AND value IS NOT NULL ORDER BY step, name
          """, arguments: [id]
      ).map { row in
        let metric = CheckedRow(row, of: id, in: path)
        return try TrainingMetric(
          step: metric.integer(0), name: metric.text(1), value: metric.real(2))
      }
      return try TrainingRecord(
        id: id, kind: training.text(1), status: training.text(2), recipe: training.text(3),
        dataset: training.text(4), datasetSHA256: training.text(5),
        initialSHA256: training.optionalText(6), modelSHA256: training.optionalText(7),
        metrics: metrics)
    }
  }
}
