import Basics
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

  /// Predictions whose verdicts are worked out in one transaction, which other writers wait for: a second or
  /// two.
  private static let predictionsAtOnce = 50_000

  /// Keeps the robust accuracy of every configuration of which none is kept, with the runs that it was
  /// worked out from: what the views `robustness` and `verdicts` then read instead of every attempt.
  ///
  /// The triggers of the tables `run`, `prediction`, `run_input` and `input` take it back.
  ///
  /// - Throws: `DatabaseError`.
  static func keepRobustTotals(in database: any DatabaseWriter) throws {
    var unkept = try database.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT fingerprint, total(n) AS n FROM configuration
          LEFT JOIN run USING (fingerprint) LEFT JOIN run_total ON run_id = run.id
          WHERE \(Self.unkept) GROUP BY fingerprint
          """
      ).map { (fingerprint: $0.text("fingerprint") ?? "", predictions: $0["n"] as Double) }
    }[...]
    while !unkept.isEmpty {
      var (part, predictions) = ([String](), 0.0)
      while let next = unkept.first, part.isEmpty || predictions < Double(predictionsAtOnce) {
        part.append(next.fingerprint)
        predictions += next.predictions
        unkept.removeFirst()
      }
      try database.write { try keep(part, $0) }
    }
  }

  /// Keeps what is known of some configurations.
  private static func keep(_ fingerprints: [String], _ db: Database) throws {
    let totals = list(Self.totals)
    // No run has the number 0: with it the others are passed over, until this transaction's end.
    try db.execute(
      sql: """
        INSERT INTO robust_basis (fingerprint, run) SELECT fingerprint, 0 FROM configuration
        WHERE \(unkept) AND fingerprint NOT IN (SELECT value FROM json_each(?))
        """, arguments: [JSONValue.array(fingerprints.map { .string($0) }).canonical])
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
        DELETE FROM robust_basis WHERE run = 0;
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
