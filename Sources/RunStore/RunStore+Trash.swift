import Basics
import GRDB
import Queries
import Records

extension RunStore {
  /// Moves runs to the trash, where no view and no query but those of the trash sees them.
  ///
  /// - Parameters:
  ///   - ids: full ids.
  ///   - withDependants: whether runs that were made from them, on their images or on their losses,
  ///     go along.
  ///   - dryRun: whether it is only checked.
  /// - Returns: what is moved, those that go along last.
  /// - Throws: `ElbowError` where others depend on them, or one of them is running; nothing is
  ///   moved then.
  public func trash(
    _ ids: [String], withDependants: Bool = false, dryRun: Bool = false
  ) throws -> [String] {
    guard let dependants = Queries.named("dependants") else {
      preconditionFailure("the catalogue has no query 'dependants'")
    }
    return try writing { db in
      var all = ids
      let made = try Row.fetchAll(db, sql: dependants.sql, arguments: ["runs": json(ids)])
        .map { (id: $0.text("id") ?? "", source: $0.text("made_from") ?? "") }
      for run in made where !all.contains(run.id) {
        guard withDependants else {
          throw Self.needed(
            run.source,
            by: made.filter { $0.source == run.source }.map(\.id).filter { !ids.contains($0) })
        }
        all.append(run.id)
      }
      let running = try String.fetchAll(
        db,
        sql: """
          SELECT id FROM every_run
          WHERE id IN (SELECT value FROM json_each(?)) AND status = 'running' ORDER BY id
          """, arguments: [json(all)])
      let dead = try Self.deadRuns(db)
      if let id = running.first(where: { !dead.contains($0) }) {
        throw ElbowError(
          .busy,
          "run \(id) is running; stop it first (one of another program: 'elbow log end')")
      }
      if !dryRun {
        try db.execute(
          sql: "UPDATE run SET deleted_at = ? WHERE id IN (SELECT value FROM json_each(?))",
          arguments: [Timestamp.now, json(all)])
      }
      return all
    }
  }

  private static func needed(_ source: String, by names: [String]) -> ElbowError {
    ElbowError(
      .inaccessible,
      "run \(source) cannot be removed: \(names.joined(separator: ", ")) "
        + "\(names.count == 1 ? "was" : "were") made from its images or losses; remove "
        + "\(names.count == 1 ? "it" : "them") as well, or take all along with `with-dependants`")
  }

  /// Brings runs back from the trash, with the runs there that they were made from.
  ///
  /// - Parameters:
  ///   - ids: full ids.
  ///   - dryRun: whether nothing is changed.
  /// - Returns: what is brought back.
  /// - Throws: `ElbowError`.
  public func restore(_ ids: [String], dryRun: Bool = false) throws -> [String] {
    try writing { db in
      let all = try String.fetchAll(
        db,
        sql: """
          WITH RECURSIVE
            wanted (id) AS (
              SELECT value FROM json_each(?)
              UNION
              SELECT source.id
              FROM wanted
              JOIN run ON run.id = wanted.id
              JOIN run AS source ON source.id IN (run.inputs_run, run.replay_of)
            )
          SELECT run.id FROM wanted JOIN run USING (id) WHERE deleted_at IS NOT NULL ORDER BY id
          """, arguments: [json(ids)])
      if !dryRun {
        try db.execute(
          sql: "UPDATE run SET deleted_at = NULL WHERE id IN (SELECT value FROM json_each(?))",
          arguments: [json(all)])
      }
      return all
    }
  }
}
