import Basics
import GRDB

/// What runs and trainings of two attached files are compared by: checksums, so that numbers and ids
/// of rows, which each file gives its own way, do not matter.
enum MergeContent {
  /// What is compared by one checksum.
  struct Part: Sendable {
    /// Name of its table, or what else it is.
    let what: String
    /// The statement that gives the checksum of the run or training `:id`.
    let sql: @Sendable (_ schema: String) -> String
  }

  /// What differs of two of one id, as names of tables.
  static func differences(_ id: String, _ parts: [Part], _ db: Database) throws -> [String] {
    try parts.filter { part in
      let checksums = try ["main", "source"].map { schema in
        try Int64.fetchOne(
          db.cachedStatement(sql: part.sql(schema)), arguments: ["id": id])
      }
      return checksums[0] != checksums[1]
    }.map(\.what)
  }

  /// What was recorded of a run. One of the files may know more of its models: their hashes are in its
  /// configuration.
  static let ofRuns: [Part] =
    (ChecksumPart.ofBeginnings + ChecksumPart.ofImages + [ChecksumPart.ofInput])
    .filter { $0.name != ChecksumPart.models.name }.map(whole) + [
      // Whoever opens a file for writing marks what has died.
      Part(what: "status") {
        """
        SELECT elbow_checksum(iif(status = 'running', 'crashed', status), error, finished_at)
        FROM \($0).run WHERE id = :id
        """
      },
      Part(what: "session") { rows("session", of: "run_id", in: $0) },
      Part(what: "metrics") { metrics("run_id", in: $0) },
    ]

  /// What a run is called, and whether it is in the trash.
  static let labels = [
    Part(what: "labels") {
      """
      SELECT elbow_checksum(name, run_group, note, deleted_at IS NULL)
      FROM \($0).run WHERE id = :id
      """
    },
    Part(what: "tags") { rows("run_tag", of: "run_id", in: $0) },
  ]

  /// What was recorded of a training.
  static let ofTrainings = [
    Part(what: "training") {
      """
      SELECT elbow_checksum(kind, iif(status = 'running', '', status), error, recipe, dataset,
        dataset_sha256, initial_sha256, steps, model_path, model_sha256, started_at, finished_at)
      FROM \($0).training WHERE id = :id
      """
    },
    Part(what: "training_session") { rows("training_session", of: "training_id", in: $0) },
    Part(what: "metrics") { metrics("training_id", in: $0) },
  ]

  /// A part of what has checksums, for all images of a run.
  private static func whole(_ part: ChecksumPart) -> Part {
    let isOfImages = part.condition.contains(":position")
    let columns = (isOfImages ? ["position"] : []) + part.columns
    return Part(what: part.tableChecked) { schema in
      part.rows(
        "elbow_checksum(\(columns.joined(separator: ", ")))", run: number(schema),
        position: "position", in: schema)
    }
  }

  private static func number(_ schema: String) -> String {
    "(SELECT number FROM \(schema).run_total WHERE run_id = :id)"
  }

  /// All columns of the rows of a table that belong to one.
  private static func rows(_ table: String, of owner: String, in schema: String) -> String {
    let columns: [String: String] = [
      "run_tag": "key, value",
      "session": """
      number, started_at, ended_at, heartbeat_at, host, argv, cpu, threads, batch, blas,
      instruction_set, elbow_version, libraries, git_commit, git_dirty, diff_sha256, wall_seconds,
      cpu_seconds, peak_memory, energy, gpu_energy, gpu_memory
      """,
      "training_session": """
      number, first_step, started_at, heartbeat_at, host, argv, cpu, threads, blas,
      instruction_set, elbow_version, libraries, git_commit, git_dirty, diff_sha256, wall_seconds,
      cpu_seconds, peak_memory
      """,
    ]
    return "SELECT elbow_checksum(\(columns[table] ?? "")) FROM \(schema).\(table) "
      + "WHERE \(owner) = :id"
  }

  private static func metrics(_ owner: String, in schema: String) -> String {
    """
    SELECT elbow_checksum(name, step, arrival, value, logged_at)
    FROM \(schema).metric_series AS series
    JOIN \(schema).metric_point AS point ON point.series_id = series.id
    WHERE series.\(owner) = :id
    """
  }
}
