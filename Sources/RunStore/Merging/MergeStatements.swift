import GRDB

/// Statements that copy rows of the attached file `source`, in an order in which no row refers to one
/// that is not there yet.
///
/// `fresh_run (id, number, target)` and `fresh_training (id)` name what is copied: the runs' numbers in
/// their file and here. What files hold once, by what it is, is copied where it is not there yet.
struct MergeStatements {
  private let db: Database

  init(_ db: Database) { self.db = db }

  /// Columns of a table that hold values of their own, but for some.
  private func columns(_ table: String, without left: Set<String> = []) throws -> [String] {
    try String.fetchAll(
      db, sql: "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden = 0",
      arguments: [table]
    ).filter { !left.contains($0) }.map(\.quotedDatabaseIdentifier)
  }

  /// Rows that are known by what they are.
  private func copyContent(_ table: String, _ condition: String) throws {
    let columns = try columns(table).joined(separator: ", ")
    try db.execute(
      sql: """
        INSERT INTO main.\(table) (\(columns)) SELECT \(columns) FROM source.\(table)
        WHERE \(condition) ON CONFLICT DO NOTHING
        """)
  }

  /// Rows that belong to what is copied, by its id.
  private func copyRows(_ table: String, of owner: String, in fresh: String) throws {
    let columns = try columns(table).joined(separator: ", ")
    try db.execute(
      sql: """
        INSERT INTO main.\(table) (\(columns)) SELECT \(columns) FROM source.\(table)
        WHERE \(owner) IN (SELECT id FROM \(fresh)) ORDER BY \(owner)
        """)
  }

  /// Rows that belong to runs by their numbers.
  private func copyNumbered(_ table: String) throws {
    let left = try columns(table, without: ["run", "input_id"])
    let names = left.joined(separator: ", ")
    let values = left.map { "item.\($0)" }.joined(separator: ", ")
    let isInput = table == "run_input"
    let order = left.contains("\"position\"") ? ", item.position" : ""
    try db.execute(
      sql: """
        INSERT INTO main.\(table) (run, \(isInput ? "input_id, " : "")\(names))
        SELECT fresh_run.target, \(isInput ? "fresh_input.target, " : "")\(values)
        FROM fresh_run
        CROSS JOIN source.\(table) AS item ON item.run = fresh_run.number
        \(isInput ? "CROSS JOIN fresh_input ON fresh_input.id = item.input_id" : "")
        ORDER BY fresh_run.target\(order)
        """)
  }

  /// Copies runs.
  func copyRuns() throws {
    let runs = "(SELECT * FROM source.run WHERE id IN (SELECT id FROM fresh_run))"
    let asked = "SELECT fingerprint FROM \(runs)"
    try copyContent(
      "model",
      """
      sha256 IN (
        SELECT model FROM source.configuration WHERE fingerprint IN (\(asked))
        UNION SELECT lm_model FROM source.configuration WHERE fingerprint IN (\(asked)))
      """)
    try copyContent("configuration", "fingerprint IN (\(asked))")
    try copyInputs()
    let columns = try columns("run")
    let values = columns.map {
      // No process is at work on it here.
      $0 == "\"status\"" ? "iif(status = 'running', 'crashed', status)" : $0
    }
    try db.execute(
      sql: """
        INSERT INTO main.run (\(columns.joined(separator: ", ")))
        SELECT \(values.joined(separator: ", ")) FROM \(runs) ORDER BY id;
        UPDATE fresh_run SET target = (SELECT number FROM main.run_total WHERE run_id = id);
        """)
    try copyContent(
      "code_diff",
      """
      sha256 IN (
        SELECT diff_sha256 FROM source.session WHERE run_id IN (SELECT id FROM fresh_run))
      """)
    for table in ["run_tag", "run_timestep", "session"] {
      try copyRows(table, of: "run_id", in: "fresh_run")
    }
    for table in [
      "run_input", "prediction", "class_evidence", "loss_blob", "adversarial_image",
      "prediction_checksum", "run_checksum",
    ] { try copyNumbered(table) }
    try ModelDescriptions.sealMerged(db)
    // Sums as they were added up, to the last bit.
    let sums = try self.columns("run_total", without: ["number", "run_id"])
    try db.execute(
      sql: """
        UPDATE main.run_total SET \(sums.map { "\($0) = theirs.\($0)" }.joined(separator: ", "))
        FROM source.run_total AS theirs
        WHERE theirs.run_id = main.run_total.run_id
          AND main.run_total.run_id IN (SELECT id FROM fresh_run)
        """)
    try copyMetrics(of: "run_id", in: "fresh_run")
  }

  /// Copies trainings.
  func copyTrainings() throws {
    try copyContent(
      "code_diff",
      """
      sha256 IN (
        SELECT diff_sha256 FROM source.training_session
        WHERE training_id IN (SELECT id FROM fresh_training))
      """)
    try copyRows("training", of: "id", in: "fresh_training")
    try copyRows("training_session", of: "training_id", in: "fresh_training")
    try copyMetrics(of: "training_id", in: "fresh_training")
  }

  private func copyMetrics(of owner: String, in fresh: String) throws {
    let series = try columns("metric_series", without: ["id"]).joined(separator: ", ")
    let points = try columns("metric_point", without: ["series_id"])
    try db.execute(
      sql: """
        INSERT INTO main.metric_series (\(series)) SELECT \(series) FROM source.metric_series
        WHERE \(owner) IN (SELECT id FROM \(fresh)) ORDER BY id;
        INSERT INTO main.metric_point (series_id, \(points.joined(separator: ", ")))
        SELECT ours.id, \(points.map { "point.\($0)" }.joined(separator: ", "))
        FROM source.metric_series AS theirs
        JOIN main.metric_series AS ours ON ours.\(owner) = theirs.\(owner) AND ours.name = theirs.name
        JOIN source.metric_point AS point ON point.series_id = theirs.id
        WHERE theirs.\(owner) IN (SELECT id FROM \(fresh))
        ORDER BY ours.id, point.step, point.arrival;
        """)
  }

  /// Images, each once: `fresh_input (id, target)` tells which one here an image there is.
  private func copyInputs() throws {
    try db.execute(
      sql: """
        INSERT INTO main.source (dataset, split)
        SELECT dataset, split FROM source.source WHERE TRUE ORDER BY dataset, split
        ON CONFLICT DO NOTHING;

        -- What was made from an image comes with it.
        CREATE TEMP TABLE fresh_input (id INTEGER PRIMARY KEY, target INTEGER);
        INSERT INTO fresh_input (id)
        WITH used (id) AS (
          SELECT input_id FROM fresh_run JOIN source.run_input AS item ON item.run = fresh_run.number
        )
        SELECT id FROM used UNION SELECT image FROM source.input WHERE id IN used AND image NOT NULL;

        -- Triggers pass over what is known, and find out which images are the same.
        INSERT INTO main.input (source, image_index, label, sha256, checksum)
        SELECT ours.id, theirs.image_index, theirs.label, theirs.sha256, theirs.checksum
        FROM fresh_input
        JOIN source.input AS theirs ON theirs.id = fresh_input.id
        JOIN source.source AS origin ON origin.id = theirs.source
        JOIN main.source AS ours ON ours.dataset = origin.dataset AND ours.split = origin.split
        ORDER BY theirs.image IS NOT theirs.id, theirs.id;

        UPDATE fresh_input SET target = (
          SELECT ours.id
          FROM source.input AS theirs
          JOIN source.source AS origin ON origin.id = theirs.source
          JOIN main.source AS place
            ON place.dataset = origin.dataset AND place.split = origin.split
          JOIN main.input AS ours ON ours.image_index = theirs.image_index
            AND ours.sha256 = theirs.sha256 AND ours.label = theirs.label
            AND ours.source = place.id
          WHERE theirs.id = fresh_input.id);
        UPDATE main.input SET checksum = theirs.checksum
        FROM fresh_input JOIN source.input AS theirs ON theirs.id = fresh_input.id
        WHERE main.input.id = fresh_input.target AND main.input.checksum IS NULL;

        -- What one of the two files knows an image to be made from, both know now, whichever was first.
        UPDATE main.input SET image = origin.image
        FROM fresh_input
        JOIN source.input AS theirs ON theirs.id = fresh_input.id AND theirs.image <> theirs.id
        JOIN fresh_input AS given ON given.id = theirs.image
        JOIN main.input AS origin ON origin.id = given.target
        WHERE main.input.id = fresh_input.target AND main.input.image = main.input.id
          AND origin.id <> main.input.id;
        UPDATE main.input SET image = origin.image
        FROM main.input AS origin
        WHERE origin.id = main.input.image AND origin.image <> origin.id
          AND main.input.id IN (SELECT id FROM main.input WHERE image IN (
            SELECT target FROM fresh_input));
        """)
  }
}
