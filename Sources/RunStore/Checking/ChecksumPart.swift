import Basics
import GRDB

/// Rows of a run that have a checksum of their own: of a run, or of one of its images.
///
/// What is checked when a file is verified is what was written when the rows were: both are SQL made
/// from these tables. Columns of a part stay as they are: rows that are recorded have its checksum. What
/// comes later gets a part of its own.
struct ChecksumPart {
  /// Column of `run_checksum` or `prediction_checksum` that keeps it.
  let name: String
  /// Table of the rows.
  let table: String
  /// What the checksum is of.
  let columns: [String]
  /// Which rows: of the run numbered `:run` and, of an image, at `:position`; `@` is before a table's
  /// name.
  let condition: String

  private init(_ name: String, _ table: String, _ columns: String, where condition: String) {
    (self.name, self.table, self.condition) = (name, table, condition)
    self.columns = columns.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map(String.init)
  }

  /// The checksum in SQL.
  ///
  /// - Parameters:
  ///   - run: what stands for the run's number.
  ///   - position: and for the image's position.
  func sql(run: String = ":run", position: String = ":position") -> String {
    rows("elbow_checksum(\(columns.joined(separator: ", ")))", run: run, position: position)
  }

  /// Rows in SQL.
  ///
  /// - Parameters:
  ///   - selection: what is selected.
  ///   - schema: name of the database among those attached.
  func rows(
    _ selection: String, run: String = ":run", position: String = ":position",
    in schema: String = "main"
  ) -> String {
    let condition = condition.replacing(":run", with: run).replacing(":position", with: position)
    return "SELECT \(selection) FROM @\(table) WHERE \(condition)"
      .replacing("@", with: schema + ".")
  }

  private static let image = "run = :run AND position = :position"

  /// A column with its table, as `prediction.nfe`.
  func named(_ column: Int) -> String {
    let name = columns[column].replacing("\"", with: "")
    return name.contains(".") ? name : "\(table).\(name)"
  }

  /// The table that it is mainly of.
  var tableChecked: String { String(named(columns.count - 1).prefix { $0 != "." }) }

  /// Of what is recorded for an image.
  static let ofImages = [
    ChecksumPart(
      "answer", "prediction",
      """
      position, predicted, correct, nfe, gradients, seconds, movement_max, movement_mean,
      clean_predicted, attacked, attack_nfe, attack_gradients, attack_seconds,
      attack_zero_gradients, attack_loss, attack_linf, attack_l2, redraws, redraws_correct,
      redraws_majority, broken_by
      """, where: image),
    ChecksumPart(
      "evidence", "class_evidence", "position, class, elbo, last_round", where: image),
    ChecksumPart("losses", "loss_blob", "position, \"values\"", where: image),
    ChecksumPart(
      "places", "loss_blob", "position, places", where: "\(image) AND places IS NOT NULL"),
    ChecksumPart("pixels", "adversarial_image", "position, pixels", where: image),
  ]

  /// Of an image's input, which keeps it itself; `image` of a run's images names a row of it.
  static let ofInput = ChecksumPart(
    "checksum",
    "run_input JOIN @input AS input ON input.id = input_id JOIN @source AS source ON source.id = input.source",
    "source.dataset, source.split, input.image_index, input.label, input.sha256", where: image)

  private static let id = "(SELECT run_id FROM @run_total WHERE number = :run)"
  private static let configuration = "(SELECT fingerprint FROM @run WHERE id = \(id))"

  /// Of what the file knows of a run's models.
  static let models = ChecksumPart(
    "models", "model", "sha256, dtype, parameters, architecture",
    where: """
      sha256 IN (
        SELECT model FROM @configuration WHERE fingerprint = \(configuration)
        UNION SELECT lm_model FROM @configuration WHERE fingerprint = \(configuration))
      """)

  /// Of what is known when a run begins.
  static let ofBeginnings = [
    ChecksumPart(
      "asked", "run",
      """
      id, question, fingerprint, dataset, split, images, timesteps, inputs_run, replay_of, seed,
      attack_seed, attack_json, attack, norm, epsilon, attack_steps, restarts, eot, gradient,
      class_names, channels, height, width, records_losses, invocation, started_at
      """, where: "id = \(id)"),
    ChecksumPart(
      "configuration", "configuration",
      """
      fingerprint, json, classifier, model, lm_model, grid, weights, loss, reduction, logit_scale,
      noise, share_timesteps, antithetic, draws, strategy, lm, lm_steps, lm_rate, lm_sigma_low,
      lm_sigma_high, eta
      """, where: "fingerprint = \(configuration)"),
    models,
    ChecksumPart(
      "timesteps", "run_timestep", "timestep, sigma, weight, strategy_weight",
      where: "run_id = \(id)"),
  ]

  /// Of what is known when a process has ended its part of a run.
  static let ofEndings = [
    ChecksumPart("ended", "run", "status, error, finished_at", where: "id = \(id)"),
    ChecksumPart(
      "sessions", "session",
      """
      number, started_at, ended_at, heartbeat_at, host, boot_id, pid, pid_started, pid_namespace,
      argv, cpu, threads, batch, blas, instruction_set, sqlite_version, elbow_version, git_commit,
      git_dirty, diff_sha256, wall_seconds, cpu_seconds, peak_memory, libraries
      """, where: "run_id = \(id)"),
    ChecksumPart(
      "costs", "session", "number, energy, gpu_energy, gpu_memory",
      where: "run_id = \(id) AND coalesce(energy, gpu_energy, gpu_memory) IS NOT NULL"),
    ChecksumPart(
      "predictions", "prediction_checksum",
      "position, answer, evidence, losses, places, pixels", where: "run = :run"),
  ]
}
