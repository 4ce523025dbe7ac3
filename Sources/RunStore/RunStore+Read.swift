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
  /// Id of what it asks: configuration, attack, seeds and inputs.
  public let question: String
  /// Run whose images are the inputs.
  public let inputsRun: String?
  /// Whether raw losses are recorded.
  public let recordsLosses: Bool
  /// Predictions recorded so far that are right.
  public let correctCount: Int

  /// Where an image stands among the inputs, by its dataset, split and index.
  package func place(of input: InputRecord) -> Int? {
    inputs.firstIndex {
      $0.index == input.index && $0.dataset == input.dataset && $0.split == input.split
    }
  }

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
  /// - Throws: `ElbowError` where `prefix` does not name one.
  public func recordedRun(_ prefix: String) throws -> RecordedRun {
    let id = try runID(prefix)
    return try reading { db in
      guard
        let row = try Row.fetchOne(
          db,
          sql: """
            SELECT run.invocation, runs.status, run.images, run.fingerprint, run.question,
              run.inputs_run, run.records_losses, coalesce(runs.n_correct, 0) AS n_correct
            FROM run JOIN runs USING (id) WHERE id = ?
            """, arguments: [id])
      else { throw ElbowError(.missing, "run \(id) is gone") }
      let run = CheckedRow(row, of: id, in: path)
      guard let invocation = try run.optionalText(0) else { throw Self.external(id) }
      let inputs = try Self.inputs(of: id, db, in: path)
      guard inputs.count == (try run.integer(2)) else {
        throw run.damaged(2, "is not the number of its inputs, \(inputs.count)")
      }
      let positions = 0...inputs.count - 1
      var images: [Int: String] = [:]
      let changed = try Row.fetchCursor(
        db, sql: "SELECT position, sha256 FROM adversarial_images WHERE run_id = ?",
        arguments: [id])
      while let row = try changed.next() {
        let image = CheckedRow(row, of: id, in: path)
        images[try image.integer(0, in: positions)] = try image.text(1)
      }
      var done: Set<Int> = []
      let predictions = try Row.fetchCursor(
        db,
        sql: """
          SELECT position FROM run_total JOIN prediction ON prediction.run = run_total.number
          WHERE run_id = ?
          """, arguments: [id])
      while let row = try predictions.next() {
        done.insert(try CheckedRow(row, of: id, in: path).integer(0, in: positions))
      }
      // A process that has ended works no more, even where that could not be written down.
      let isDead = try Self.deadRuns(db).contains(id)
      return RecordedRun(
        id: id, status: try isDead ? "crashed" : run.text(1), invocation: invocation,
        inputs: inputs,
        adversarial: images, done: done, fingerprint: try run.text(3), question: try run.text(4),
        inputsRun: try run.optionalText(5), recordsLosses: try run.flag(6),
        correctCount: try run.integer(7))
    }
  }

  /// Of what only Elbow's own runs have.
  static func external(_ id: String) -> ElbowError {
    ElbowError(
      .unknownName,
      "run \(id) was made by another program: it has no images and predictions of its own")
  }

  /// The recorded final image of an attack, planar `[C, H, W]`, pixel units.
  ///
  /// - Throws: `ElbowError` where the image is not there, or not the one that was recorded.
  public func adversarialImage(run: String, position: Int) throws -> [Float] {
    try reading { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT adversarial.pixels, adversarial.sha256, channels, height, width
          FROM adversarial_images AS adversarial JOIN run ON run.id = run_id
          WHERE run_id = ? AND position = ?
          """, arguments: [run, position])
      guard let row else {
        throw ElbowError(
          .missing, "\(path): run \(run) has no adversarial image at position \(position)")
      }
      let image = CheckedRow(row, of: run, in: path)
      let pixels = try image.floats(0)
      guard
        pixels.count == (try (2...4).map { try image.integer($0, in: 1...1 << 16) }.reduce(1, *)),
        SHA256.hexDigest(of: pixels) == (try image.text(1))
      else {
        throw ElbowError(
          .damaged,
          "\(path): the adversarial image at position \(position) of run \(run) is damaged")
      }
      return pixels
    }
  }

  /// Recorded raw losses of one image, as they were asked for.
  ///
  /// - Throws: `ElbowError` where none are recorded.
  public func losses(run: String, position: Int) throws -> LossRecord {
    try reading { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT "values", places, \(Self.lossShape)
          FROM loss JOIN run ON run.id = run_id WHERE run_id = ? AND position = ?
          """, arguments: [run, position])
      guard let row else {
        throw ElbowError(.missing, "\(path): run \(run) has no losses at position \(position)")
      }
      return try Self.lossRecord(CheckedRow(row, of: run, in: path), at: 0)
    }
  }

  /// Whether a run recorded losses with their places: which ones were asked for differs from image to
  /// image.
  ///
  /// - Throws: `ElbowError`.
  package func placesLosses(run: String) throws -> Bool {
    try reading { db in
      try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM loss WHERE run_id = ? AND places IS NOT NULL)",
        arguments: [run]) ?? false
    }
  }

  /// How many timesteps the grid of `run` has, and how many classes; asked where `places` need it.
  static let lossShape = """
    CASE WHEN places IS NOT NULL THEN
      (SELECT count(*) FROM run_timestep WHERE run_timestep.run_id = run.id) END,
    CASE WHEN places IS NOT NULL THEN json_array_length(class_names) END
    """

  /// Losses from the columns `values` and `places`, which stand at `index` and after it, and those of
  /// `lossShape` after them.
  static func lossRecord(_ row: CheckedRow, at index: Int) throws -> LossRecord {
    let values = try row.floats(index)
    guard !row.isNull(index + 1) else { return .dense(values) }
    let places = LossPlaces.places(
      try row.data(index + 1), count: values.count,
      timesteps: try row.optionalInteger(index + 2) ?? 0,
      classes: try row.optionalInteger(index + 3) ?? 0)
    guard let places else {
      throw row.damaged(index + 1, "are not the places of \(values.count.counted("loss"))")
    }
    return .sparse(
      zip(places, values).map { place, value in
        .init(draw: place.draw, timestep: place.timestep, label: place.label, value: value)
      })
  }
}
