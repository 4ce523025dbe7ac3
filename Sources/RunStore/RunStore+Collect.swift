import Basics
import Foundation
import GRDB
import Records

/// What emptying the trash deletes.
package struct Reclamation: Sendable {
  /// Rows of one kind.
  package struct Part: Sendable {
    /// What they are.
    package let what: String
    /// How many.
    package let rows: Int
    /// Whole pages that deleting them frees, bytes; what they share with other rows is not counted.
    package let bytes: Int
  }

  /// By kind, in the order deleted.
  package var parts: [Part] = []
  /// Bytes of pages that were free already.
  package var free = 0
  /// Size of the file and its log before, bytes.
  package var sizeBefore = 0
  /// And after; nil where nothing was deleted.
  package var sizeAfter: Int?

  /// Bytes that the file shrinks by, at least.
  package var bytes: Int { free + parts.reduce(0) { $0 + $1.bytes } }
}

extension RunStore {
  /// Ids of the runs that are not in the trash, and of what they were made from.
  static let neededRuns = """
    WITH RECURSIVE needed (id) AS (
      SELECT id FROM main.run WHERE deleted_at IS NULL
      UNION
      SELECT maker.id
      FROM needed
      JOIN main.run AS made ON made.id = needed.id
      JOIN main.run AS maker ON maker.id IN (made.inputs_run, made.replay_of)
    )
    SELECT id FROM needed
    """
  private static let trashed = "run_id IN (SELECT id FROM temp.collected)"
  private static let numbered = "run IN (SELECT number FROM run_total WHERE \(trashed))"

  /// What is deleted, what depends on other rows first.
  private static let steps: [(what: String, sql: String)] = [
    ("losses", "DELETE FROM loss_blob WHERE \(numbered)"),
    ("adversarial images", "DELETE FROM adversarial_image WHERE \(numbered)"),
    ("class ELBOs", "DELETE FROM class_evidence WHERE \(numbered)"),
    ("predictions", "DELETE FROM prediction WHERE \(numbered)"),
    ("checksums of predictions", "DELETE FROM prediction_checksum WHERE \(numbered)"),
    ("inputs of runs", "DELETE FROM run_input WHERE \(numbered)"),
    ("timesteps of runs", "DELETE FROM run_timestep WHERE \(trashed)"),
    (
      "metric points",
      """
      DELETE FROM metric_point
      WHERE series_id IN (SELECT id FROM metric_series WHERE \(trashed))
      """
    ),
    ("metric series", "DELETE FROM metric_series WHERE \(trashed)"),
    ("sessions", "DELETE FROM session WHERE \(trashed)"),
    ("runs", "DELETE FROM run WHERE id IN (SELECT id FROM temp.collected)"),
    // What nothing refers to any more.
    (
      "configurations",
      """
      DELETE FROM configuration WHERE NOT EXISTS (
        SELECT 1 FROM run WHERE run.fingerprint = configuration.fingerprint)
      """
    ),
    (
      "models",
      """
      DELETE FROM model WHERE NOT EXISTS (
        SELECT 1 FROM configuration WHERE model.sha256 IN (configuration.model, lm_model))
      """
    ),
    (
      "images",
      """
      DELETE FROM input WHERE NOT EXISTS (SELECT 1 FROM run_input WHERE input_id = input.id)
        AND NOT EXISTS (
          SELECT 1 FROM input AS same JOIN run_input ON run_input.input_id = same.id
          WHERE same.image = input.id)
      """
    ),
    ("sources of images", "DELETE FROM source WHERE id NOT IN (SELECT source FROM input)"),
    (
      "code diffs",
      """
      DELETE FROM code_diff
      WHERE sha256 NOT IN (SELECT diff_sha256 FROM session WHERE diff_sha256 IS NOT NULL)
        AND sha256 NOT IN (SELECT diff_sha256 FROM training_session WHERE diff_sha256 IS NOT NULL)
      """
    ),
  ]

  /// Deletes the runs in the trash for good, and what no run refers to any more; then makes the file
  /// as small as it can be.
  ///
  /// Bytes are measured by deleting; a dry run takes that back.
  ///
  /// - Throws: `ElbowError`; nothing is deleted then.
  package func collect(dryRun: Bool) throws -> Reclamation {
    try checkIdentity()
    do {
      var result = Reclamation()
      // Best effort, here and below: a reader may still need the log.
      _ = try? database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      result.sizeBefore = size
      try database.writeWithoutTransaction { db in
        let page = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
        func free() throws -> Int { try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0 }
        var before = try free()
        result.free = before * page
        try db.inTransaction(.immediate) {
          // What other runs were made from stays, whoever has put it into the trash.
          try db.execute(
            sql: """
              CREATE TEMP TABLE collected AS
              SELECT id FROM main.run WHERE deleted_at IS NOT NULL AND id NOT IN (\(Self.neededRuns))
              """)
          for (done, step) in Self.steps.enumerated() {
            watch(WorkUpdate("gc", done, of: Self.steps.count, "kinds", remarks: [step.what]))
            try db.execute(sql: step.sql)
            let now = try free()
            result.parts.append(
              .init(what: step.what, rows: db.changesCount, bytes: (now - before) * page))
            before = now
          }
          try db.execute(sql: "DROP TABLE temp.collected")
          return dryRun ? .rollback : .commit
        }
        if !dryRun {
          watch.note("\(path): making the file small, which reads and writes all of it")
          try db.execute(sql: "VACUUM")
        }
      }
      _ = try? database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      if !dryRun { result.sizeAfter = size }
      return result
    } catch {
      throw ElbowError(error, file: path)
    }
  }

  /// Bytes of the file and its log.
  private var size: Int {
    ["", "-wal"].reduce(0) { sum, suffix in
      let attributes = try? FileManager.default.attributesOfItem(atPath: path + suffix)
      return sum + ((attributes?[.size] as? NSNumber)?.intValue ?? 0)
    }
  }
}
