import GRDB
import Records

/// What a file knows of models: a row each, as the first run told of it that told more than a hash.
///
/// Checksums of runs cover it. Where more becomes known, those that held are written anew, and only
/// those: what somebody changed stays found.
enum ModelDescriptions {
  /// Whether a row says no more than a hash and a name.
  private static func isUnknown(_ row: String) -> String {
    """
    (\(row).dtype = '\(ModelRecord.unknownDtype)' AND \(row).parameters = 0
      AND \(row).architecture = '{}')
    """
  }

  /// Records what a run tells of a model.
  static func tell(_ model: ModelRecord, _ db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO model (sha256, name, dtype, parameters, architecture) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """,
      arguments: [
        model.sha256, model.name, model.dtype, model.parameters, model.architecture,
      ])
    guard db.changesCount == 0, model.isDescribed else { return }
    let isUnknown = try Bool.fetchOne(
      db.cachedStatement(sql: "SELECT \(isUnknown("model")) FROM main.model WHERE sha256 = ?"),
      arguments: [model.sha256])
    if isUnknown == true { try describe(model, db) }
  }

  /// Puts what is known now in the place of a row that says nothing; a name that was given stays.
  private static func describe(_ model: ModelRecord, _ db: Database) throws {
    let checksum = ChecksumPart.models.sql(run: "run_checksum.run")
    let held = try Int64.fetchAll(
      db,
      sql: """
        SELECT run FROM main.run_checksum
        WHERE models = (\(checksum)) AND run IN (
          SELECT number
          FROM main.configuration JOIN main.run USING (fingerprint)
          JOIN main.run_total ON run_id = run.id
          WHERE ? IN (model, lm_model))
        """, arguments: [model.sha256])
    try db.execute(
      sql: """
        UPDATE main.model SET name = iif(name = substr(sha256, 1, 12), ?, name), dtype = ?,
          parameters = ?, architecture = ?
        WHERE sha256 = ?
        """,
      arguments: [
        model.name, model.dtype, model.parameters, model.architecture, model.sha256,
      ])
    for run in held {
      try db.cachedStatement(
        sql: "UPDATE main.run_checksum SET models = (\(checksum)) WHERE run = ?"
      ).execute(arguments: [run])
    }
  }

  // MARK: Merging

  private static let both = "source.model AS theirs JOIN main.model AS ours USING (sha256)"

  /// Learns what the attached file `source` knows of models of which this one knows nothing.
  static func learnFromSource(_ db: Database) throws {
    let models = try Row.fetchAll(
      db,
      sql: """
        SELECT theirs.* FROM \(both) WHERE \(isUnknown("ours")) AND NOT \(isUnknown("theirs"))
        """
    ).map {
      ModelRecord(
        sha256: $0["sha256"], name: $0["name"], dtype: $0["dtype"], parameters: $0["parameters"],
        architecture: $0["architecture"])
    }
    for model in models { try describe(model, db) }
  }

  /// Runs of `source` with a model of which the two files say different things.
  static func contestedRuns(_ db: Database) throws -> Set<String> {
    try String.fetchSet(
      db,
      sql: """
        WITH contested AS (
          SELECT sha256 FROM \(both)
          WHERE NOT \(isUnknown("theirs")) AND NOT \(isUnknown("ours"))
            AND (theirs.dtype, theirs.parameters, theirs.architecture)
              <> (ours.dtype, ours.parameters, ours.architecture))
        SELECT id FROM source.configuration JOIN source.run USING (fingerprint)
        WHERE model IN contested OR lm_model IN contested
        """)
  }

  /// Writes anew the checksums of the runs of `fresh_run` that held in `source`: this file may know more
  /// of their models.
  static func sealMerged(_ db: Database) throws {
    let ours = ChecksumPart.models.sql(run: "run_checksum.run")
    let theirs = ChecksumPart.models.rows(
      "elbow_checksum(\(ChecksumPart.models.columns.joined(separator: ", ")))", run: "theirs.run",
      in: "source")
    try db.execute(
      sql: """
        UPDATE main.run_checksum SET models = (\(ours))
        FROM fresh_run JOIN source.run_checksum AS theirs ON theirs.run = fresh_run.number
        WHERE main.run_checksum.run = fresh_run.target AND theirs.models = (\(theirs))
        """)
  }
}
