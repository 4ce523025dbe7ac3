import Basics
import Foundation
import GRDB
import Records

extension RunStore {
  /// A run's header as it was recorded: what it asked, of which images, with which model.
  ///
  /// What belongs to one process (threads, command line, libraries) is left at its default.
  ///
  /// - Parameter id: full id.
  /// - Throws: `ElbowError` where there is no such run; `ElbowError` where a newer Elbow
  ///   wrote its configuration.
  public func recordedHeader(_ id: String) throws -> RunHeader {
    try reading { db in
      guard
        let row = try Row.fetchOne(
          db,
          sql: """
            SELECT run.fingerprint, json, model, lm_model, run.seed, class_names, channels, height,
              width, name, run_group, note, run.timesteps, inputs_run, replay_of, records_losses,
              attack_json, attack_seed, images
            FROM run LEFT JOIN configuration USING (fingerprint) WHERE id = ?
            """, arguments: [id])
      else { throw ElbowError(.missing, "run \(id) is gone") }
      let run = CheckedRow(row, of: id, in: path)
      guard !run.isNull(0) else { throw Self.external(id) }
      func decoded<T: Decodable>(_ index: Int) throws -> T {
        try run.json(index) { try JSONDecoder().decode(T.self, from: Data($0.utf8)) }
      }
      guard let model = try recordedModel(run.text(2), of: id, db) else {
        throw ElbowError(.missing, "\(path): the model of run \(id) is gone")
      }
      let classNames: [String] = try decoded(5)
      let inputs = try Self.inputs(of: id, db, in: path)
      guard try run.integer(18) == inputs.count else {
        throw run.damaged(18, "is not the number of its inputs, \(inputs.count)")
      }
      if let label = inputs.map(\.label).max(), label >= classNames.count {
        throw run.damaged(5, "has \(classNames.count) names, but there is a label \(label)")
      }
      var header = RunHeader(
        id: id, configuration: try decoded(1), model: model, seed: try run.seed(4),
        classNames: classNames,
        imageShape: try (6...8).map { try run.integer($0, in: 1...1 << 16) },
        inputs: inputs, timesteps: try timesteps(of: id, db))
      (header.labels.name, header.labels.group, header.labels.note) = try (
        run.optionalText(9), run.optionalText(10), run.optionalText(11)
      )
      header.lmModel = try run.optionalText(3).flatMap { try recordedModel($0, of: id, db) }
      header.timestepsAsked = try run.optionalInteger(12)
      (header.inputsRun, header.replayOf) = try (run.optionalText(13), run.optionalText(14))
      header.recordsLosses = try run.flag(15)
      if !run.isNull(16) {
        header.attack = try run.json(16) { try AttackConfiguration(json: $0) }
        header.attackSeed = try run.optionalSeed(17)
      }
      return header
    }
  }

  /// A run's noise grid.
  private func timesteps(of id: String, _ db: Database) throws -> [TimestepRecord] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT timestep, sigma, weight, strategy_weight FROM run_timestep
        WHERE run_id = ? ORDER BY timestep
        """, arguments: [id]
    ).enumerated().map { index, row in
      let timestep = CheckedRow(row, of: id, in: path)
      return try TimestepRecord(
        index: timestep.integer(0, in: index...index), sigma: timestep.real(1),
        weight: timestep.real(2),
        strategyWeight: timestep.optionalReal(3))
    }
  }

  private func recordedModel(_ hash: String, of run: String, _ db: Database) throws -> ModelRecord?
  {
    try Row.fetchOne(
      db, sql: "SELECT sha256, name, dtype, parameters, architecture FROM model WHERE sha256 = ?",
      arguments: [hash]
    ).map {
      let model = CheckedRow($0, of: run, in: path)
      return try ModelRecord(
        sha256: model.text(0), name: model.text(1), dtype: model.text(2),
        parameters: model.integer(3), architecture: model.text(4))
    }
  }

  /// A run's predictions with their raw losses, in evaluation order; evidence and attacks are not
  /// read.
  ///
  /// - Parameters:
  ///   - id: full id.
  ///   - positions: of the images; nil: all.
  /// - Throws: `ElbowError` where they cannot be what they should.
  public func recordedPredictions(
    _ id: String, positions: Range<Int>? = nil
  ) throws -> [Prediction] {
    try reading { db in
      let cursor = try Row.fetchCursor(
        db,
        sql: """
          SELECT prediction.position AS position, predicted, correct, prediction.nfe,
            prediction.gradients, prediction.seconds, movement_max, movement_mean, images,
            json_array_length(class_names), "values", places, \(Self.lossShape)
          FROM run
          JOIN run_total ON run_total.run_id = run.id
          JOIN prediction ON prediction.run = run_total.number
          LEFT JOIN loss_blob
            ON loss_blob.run = prediction.run AND loss_blob.position = prediction.position
          WHERE run.id = ? AND prediction.position >= ? AND prediction.position < ?
          ORDER BY prediction.position
          """,
        arguments: [id, positions?.lowerBound ?? Int.min, positions?.upperBound ?? Int.max])
      var predictions: [Prediction] = []
      while let row = try cursor.next() {
        let recorded = CheckedRow(row, of: id, in: path)
        let images = try recorded.integer(8, in: 1...Int.max)
        let classes = try recorded.integer(9, in: 1...Int.max)
        var prediction = try Prediction(
          position: recorded.integer(0, in: 0...images - 1),
          predicted: recorded.integer(1, in: 0...classes - 1), correct: recorded.flag(2),
          evidence: [], nfe: recorded.integer(3), gradients: recorded.integer(4),
          seconds: recorded.real(5))
        (prediction.movementMax, prediction.movementMean) = try (
          recorded.optionalReal(6), recorded.optionalReal(7)
        )
        prediction.losses =
          recorded.isNull(10) ? nil : try Self.lossRecord(recorded, at: 10)
        predictions.append(prediction)
      }
      return predictions
    }
  }
}
