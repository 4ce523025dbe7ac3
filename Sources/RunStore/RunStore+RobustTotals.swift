import GRDB
import Migrations
import Records

extension RunStore {
  private static let unkept = "fingerprint NOT IN (SELECT fingerprint FROM robust_basis)"
  private static let threat = ["fingerprint", "dataset", "split", "norm", "epsilon"]
  private static let totals =
    threat + [
      "attacks", "n", "n_robust", "verdict", "partial", "seeds", "clean", "frozen", "one_shot",
      "mean_of_draws", "worst_of_draws", "majority_of_draws", "resubmission",
    ]
  private static let verdicts = [
    "image", "randomized", "seeds", "clean", "stands", "certain", "frozen", "one_shot",
    "mean_of_draws", "worst_of_draws", "majority_of_draws", "resubmission", "shift", "share",
  ]

  /// Keeps the robust accuracy of every configuration of which none is kept, with the runs that it was
  /// worked out from: what the views `robustness` and `verdicts` then read instead of every attempt.
  ///
  /// The triggers of the tables `run`, `prediction`, `run_input` and `input` take it back.
  ///
  /// - Throws: `DatabaseError`.
  static func keepRobustTotals(in db: Database) throws {
    guard
      try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM configuration WHERE \(unkept))")
        == true
    else { return }
    let totals = list(Self.totals)
    try db.execute(
      sql: """
        DELETE FROM robust_total WHERE \(unkept);
        INSERT INTO robust_total (\(totals)) SELECT \(totals) FROM unkept_robustness;
        INSERT INTO robust_verdict (total, \(list(verdicts)))
        SELECT kept.id, \(list(verdicts, of: "made"))
        FROM unkept_verdicts AS made JOIN robust_total AS kept USING (\(list(threat)));
        -- Runs that answered, and those that had made their images.
        INSERT INTO robust_basis (fingerprint, run)
        WITH RECURSIVE part (fingerprint, run_id) AS (
          SELECT fingerprint, id FROM run WHERE fingerprint IS NOT NULL AND \(unkept)
          UNION
          SELECT part.fingerprint, made.inputs_run FROM part JOIN run AS made ON made.id = part.run_id
          WHERE made.inputs_run IS NOT NULL
        )
        SELECT fingerprint, number FROM part JOIN run_total USING (run_id);
        """)
  }

  /// What is kept of robust accuracy and does not follow from the attempts.
  ///
  /// - Throws: `DatabaseError`.
  static func robustFindings(_ db: Database) throws -> [Finding] {
    // Names of these parts come before those of the file: no configuration is kept here.
    let parts = ["unkept_verdicts", "unkept_robustness"].map { name in
      "\(name) AS (\(Views.current.body(of: name)))"
    }
    let anew = "WITH robust_basis AS (SELECT NULL AS fingerprint WHERE FALSE), \(list(parts))"
    let kept = "fingerprint IN (SELECT fingerprint FROM main.robust_basis)"
    let ofTotals = try differences(
      "robust_total", totals, keys: threat.count, db,
      stored: "SELECT \(list(totals)) FROM robust_total WHERE \(kept)",
      recomputed: "\(anew) SELECT \(list(totals)) FROM unkept_robustness WHERE \(kept)")
    let ofVerdicts = try differences(
      "robust_verdict", threat + verdicts, keys: threat.count + 1, db,
      stored: """
        SELECT \(list(threat)), \(list(verdicts, of: "robust_verdict"))
        FROM robust_total JOIN robust_verdict ON total = robust_total.id WHERE \(kept)
        """,
      recomputed: "\(anew) SELECT \(list(threat + verdicts)) FROM unkept_verdicts WHERE \(kept)")
    return ofTotals + ofVerdicts
  }

  /// - Parameters:
  ///   - columns: of both statements.
  ///   - keys: how many of them, the first, tell rows apart.
  private static func differences(
    _ table: String, _ columns: [String], keys: Int, _ db: Database, stored: String,
    recomputed: String
  ) throws -> [Finding] {
    func rows(_ sql: String) throws -> [[DatabaseValue]: [DatabaseValue]] {
      let rows = try Row.fetchAll(db, sql: sql).map { Array($0.databaseValues) }
      return Dictionary(rows.map { (Array($0[..<keys]), $0) }) { first, _ in first }
    }
    let (stored, recomputed) = (try rows(stored), try rows(recomputed))
    let empty = Array(repeating: DatabaseValue.null, count: columns.count)
    return Set(stored.keys).union(recomputed.keys).flatMap { key -> [Finding] in
      let (a, b) = (stored[key] ?? empty, recomputed[key] ?? empty)
      return columns.indices.dropFirst(keys).filter { !isSame(a[$0], b[$0]) }.map { column in
        let of = key.map { $0.description.prefix(12) }.joined(separator: " ")
        return Finding(
          "\(table).\(columns[column]) of \(of)", stored: "\(a[column])",
          recomputed: "\(b[column])")
      }
    }.sorted { $0.what < $1.what }
  }

  /// Means may have been added up in another order.
  private static func isSame(_ a: DatabaseValue, _ b: DatabaseValue) -> Bool {
    guard let x = Double.fromDatabaseValue(a), let y = Double.fromDatabaseValue(b) else {
      return a == b
    }
    return abs(x - y) <= 1e-9
  }

  private static func list(_ columns: [String], of table: String? = nil) -> String {
    columns.map { name in table.map { "\($0).\(name)" } ?? name }.joined(separator: ", ")
  }
}
