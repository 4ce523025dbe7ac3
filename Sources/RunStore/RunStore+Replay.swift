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
  /// - Throws: `RunStoreError` where there is no such run; `ElbowError` where a newer Elbow
  ///   wrote its configuration.
  public func recordedHeader(_ id: String) throws -> RunHeader {
    try reading { db in
      guard
        let row = try Row.fetchOne(
          db,
          sql: """
            SELECT run.*, configuration.json AS json, model, lm_model
            FROM run LEFT JOIN configuration USING (fingerprint) WHERE id = ?
            """, arguments: [id])
      else { throw RunStoreError("run \(id) is gone") }
      guard row["fingerprint"] as String? != nil else { throw Self.external(id) }
      func decoded<T: Decodable>(_ column: String) throws -> T {
        try JSONDecoder().decode(T.self, from: Data((row[column] as String).utf8))
      }
      guard let model = try Self.model(row["model"], db) else {
        throw RunStoreError("\(path): the model of run \(id) is gone")
      }
      var header = RunHeader(
        id: id, configuration: try decoded("json"), model: model,
        seed: UInt64(bitPattern: row["seed"]), classNames: try decoded("class_names"),
        imageShape: [row["channels"], row["height"], row["width"]],
        inputs: try Self.inputs(of: id, db),
        timesteps: try Row.fetchAll(
          db,
          sql: """
            SELECT timestep, sigma, weight, strategy_weight FROM run_timestep
            WHERE run_id = ? ORDER BY timestep
            """, arguments: [id]
        ).map { TimestepRecord(index: $0[0], sigma: $0[1], weight: $0[2], strategyWeight: $0[3]) })
      (header.labels.name, header.labels.group, header.labels.note) = (
        row["name"], row["run_group"], row["note"]
      )
      header.lmModel = try Self.model(row["lm_model"], db)
      header.timestepsAsked = row["timesteps"]
      (header.inputsRun, header.replayOf) = (row["inputs_run"], row["replay_of"])
      header.recordsLosses = row["records_losses"]
      if let attack = row["attack"] as String?,
        let norm = (row["norm"] as String?).flatMap(AttackConfiguration.Norm.init)
      {
        header.attack = AttackConfiguration(name: attack, norm: norm, epsilon: row["epsilon"])
        header.attackSeed = (row["attack_seed"] as Int64?).map { UInt64(bitPattern: $0) }
      }
      return header
    }
  }

  private static func model(_ hash: String?, _ db: Database) throws -> ModelRecord? {
    try Row.fetchOne(
      db, sql: "SELECT sha256, name, dtype, parameters, architecture FROM model WHERE sha256 = ?",
      arguments: [hash]
    ).map {
      ModelRecord(sha256: $0[0], name: $0[1], dtype: $0[2], parameters: $0[3], architecture: $0[4])
    }
  }

  /// A run's predictions with their raw losses, in evaluation order; evidence and attacks are not
  /// read.
  ///
  /// - Parameter id: full id.
  public func recordedPredictions(_ id: String) throws -> [Prediction] {
    try reading { db in
      let cursor = try Row.fetchCursor(
        db,
        sql: """
          SELECT prediction.position AS position, predicted, correct, prediction.nfe,
            prediction.gradients, prediction.seconds,
            movement_max, movement_mean, "values", places
          FROM run_total
          JOIN prediction ON prediction.run = run_total.number
          LEFT JOIN loss_blob
            ON loss_blob.run = prediction.run AND loss_blob.position = prediction.position
          WHERE run_id = ? ORDER BY prediction.position
          """, arguments: [id])
      return try Array(
        cursor.map { row in
          var prediction = Prediction(
            position: row[0], predicted: row[1], correct: row[2], evidence: [], nfe: row[3],
            gradients: row[4], seconds: row[5])
          (prediction.movementMax, prediction.movementMean) = (row[6], row[7])
          prediction.losses = row.hasNull(atIndex: 8) ? nil : Self.lossRecord(row)
          return prediction
        })
    }
  }
}
