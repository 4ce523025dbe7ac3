import Basics
import Foundation
import GRDB
import Queries
import Records

/// What is needed to go on with a run, or to use its images again.
public struct RecordedRun: Sendable {
  /// ULID.
  public let id: String
  /// `running`, `finished`, `failed`, `interrupted` or `crashed`.
  public let status: String
  /// JSON that the program resumes from.
  public let invocation: String
  /// In evaluation order.
  public let inputs: [InputRecord]
  /// SHA-256 of each recorded final image by position; absent where the clean image was final.
  public let adversarial: [Int: String]
  /// Positions whose prediction is recorded.
  public let done: Set<Int>
  /// Of the configuration.
  public let fingerprint: String
  /// Run whose images are the inputs.
  public let inputsRun: String?
  /// Whether raw losses are recorded.
  public let recordsLosses: Bool
  /// Predictions recorded so far that are right.
  public let correctCount: Int

  /// The inputs as they were finally classified: with the hashes of the adversarial images.
  public var finalInputs: [InputRecord] {
    inputs.enumerated().map { position, input in
      var input = input
      input.sha256 = adversarial[position] ?? input.sha256
      return input
    }
  }
}

extension RunStore {
  /// A run as far as it is recorded.
  ///
  /// - Throws: `RunStoreError` where `prefix` does not name one.
  public func recordedRun(_ prefix: String) throws -> RecordedRun {
    let id = try runID(prefix)
    return try reading { db in
      guard
        let row = try Row.fetchOne(
          db,
          sql: """
            SELECT runs.status AS status, run.invocation, run.fingerprint, run.inputs_run,
              run.records_losses, coalesce(runs.n_correct, 0) AS n_correct
            FROM run JOIN runs USING (id) WHERE id = ?
            """, arguments: [id])
      else { throw RunStoreError("run \(id) is gone") }
      guard let invocation = row["invocation"] as String? else { throw Self.external(id) }
      let inputs = try Self.inputs(of: id, db)
      let images = try Row.fetchAll(
        db, sql: "SELECT position, sha256 FROM adversarial_images WHERE run_id = ?",
        arguments: [id])
      return RecordedRun(
        id: id, status: row["status"], invocation: invocation, inputs: inputs,
        adversarial: Dictionary(
          images.map { ($0["position"], $0["sha256"]) }, uniquingKeysWith: { a, _ in a }),
        done: try Set(
          Int.fetchAll(
            db, sql: "SELECT position FROM predictions WHERE run_id = ?", arguments: [id])),
        fingerprint: row["fingerprint"], inputsRun: row["inputs_run"],
        recordsLosses: row["records_losses"], correctCount: row["n_correct"])
    }
  }

  /// Of what only Elbow's own runs have.
  static func external(_ id: String) -> RunStoreError {
    RunStoreError(
      "run \(id) was made by another program: it has no images and predictions of its own",
      isUsage: true)
  }

  /// A run's inputs in evaluation order.
  static func inputs(of id: String, _ db: Database) throws -> [InputRecord] {
    let cursor = try Row.fetchCursor(
      db,
      sql: """
        SELECT dataset, split, image_index, label, lower(hex(sha256))
        FROM run_total
        JOIN run_input ON run_input.run = run_total.number
        JOIN input ON input.id = run_input.input_id
        JOIN source ON source.id = input.source
        WHERE run_id = ? ORDER BY position
        """, arguments: [id])
    return try Array(
      cursor.map {
        InputRecord(dataset: $0[0], split: $0[1], index: $0[2], label: $0[3], sha256: $0[4])
      })
  }

  /// The recorded final image of an attack, planar `[C, H, W]`, pixel units.
  ///
  /// - Throws: `RunStoreError` where the image is not there, or not the one that was recorded.
  public func adversarialImage(run: String, position: Int) throws -> [Float] {
    let row = try reading {
      try Row.fetchOne(
        $0,
        sql: "SELECT pixels, sha256 FROM adversarial_images WHERE run_id = ? AND position = ?",
        arguments: [run, position])
    }
    guard let row else {
      throw RunStoreError("\(path): run \(run) has no adversarial image at position \(position)")
    }
    let pixels = Blob.floats(row["pixels"])
    guard SHA256.hexDigest(of: pixels) == row["sha256"] as String else {
      throw RunStoreError(
        "\(path): the adversarial image at position \(position) of run \(run) is damaged")
    }
    return pixels
  }

  /// Recorded raw losses of one image, as they were asked for.
  ///
  /// - Throws: `RunStoreError` where none are recorded.
  public func losses(run: String, position: Int) throws -> LossRecord {
    let row = try reading {
      try Row.fetchOne(
        $0, sql: "SELECT \"values\", places FROM loss WHERE run_id = ? AND position = ?",
        arguments: [run, position])
    }
    guard let row else {
      throw RunStoreError("\(path): run \(run) has no losses at position \(position)")
    }
    return Self.lossRecord(row)
  }

  /// Losses from the columns `values` and `places`.
  static func lossRecord(_ row: Row) -> LossRecord {
    let values = Blob.floats(row["values"])
    guard let triples = row["places"] as Data? else { return .dense(values) }
    let places = Blob.integers(triples)
    return .sparse(
      values.indices.map {
        .init(
          draw: places[3 * $0], timestep: places[3 * $0 + 1], label: places[3 * $0 + 2],
          value: values[$0])
      })
  }
}
