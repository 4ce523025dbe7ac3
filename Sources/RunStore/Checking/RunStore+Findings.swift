import Basics
import GRDB
import Records

extension RunStore {
  /// What in a run's rows contradicts the rest of them, or is not what was recorded.
  ///
  /// - Parameter run: full id.
  /// - Throws: `ElbowError` where the rows cannot be read.
  package func findings(of run: String) throws -> [Finding] {
    let table = try query(.inconsistencies(of: run))
    let contradictions = table.rows.indices.map { row in
      Finding(
        run: run, position: Self.integer(table[row, "position"]),
        image: Self.integer(table[row, "image"]), Self.text(table[row, "what"]),
        stored: Self.text(table[row, "stored"]), recomputed: Self.text(table[row, "recomputed"]))
    }
    return contradictions + (try reading { try Self.changes(of: run, $0) })
  }

  /// Of the checksums of a run, which there are.
  ///
  /// - Parameter run: full id.
  /// - Returns: whether the run was begun with them, and how many of its predictions have one.
  /// - Throws: `ElbowError`.
  package func coverage(of run: String) throws -> (isWhole: Bool, predictions: Int) {
    try reading { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT EXISTS (SELECT 1 FROM run_checksum WHERE run = number),
            (SELECT count(*) FROM prediction_checksum WHERE run = number)
          FROM run_total WHERE run_id = ?
          """, arguments: [run])
      return (row?[0] ?? false, row?[1] ?? 0)
    }
  }

  /// Rows that are not what they were when their checksums were taken.
  private static func changes(of run: String, _ db: Database) throws -> [Finding] {
    guard
      let number = try Int.fetchOne(
        db, sql: "SELECT number FROM run_total WHERE run_id = ?", arguments: [run])
    else { return [] }
    var findings: [Finding] = []
    let ofRun = ChecksumPart.ofBeginnings + ChecksumPart.ofEndings
    let ended = ChecksumPart.ofEndings.map(\.name)
    if let row = try Row.fetchOne(
      db, sql: selection(ofRun, from: "run_checksum"), arguments: ["run": number])
    {
      for (index, part) in ofRun.enumerated() {
        let (stored, found): (Int64?, Int64?) = (row[1 + 2 * index], row[2 + 2 * index])
        // While a process is at work, or where it has died, nothing is said of the end.
        if stored == found || (stored == nil && ended.contains(part.name)) { continue }
        findings.append(
          try finding(part, stored, found, ["run": number], db).of(run, position: nil))
      }
    }
    let rows = try Row.fetchCursor(
      db, sql: selection(ChecksumPart.ofImages, from: "prediction_checksum"),
      arguments: ["run": number])
    while let row = try rows.next() {
      // A prediction that is gone is another finding.
      if row.hasNull(atIndex: 2) { continue }
      let position: Int? = row[0]
      for (index, part) in ChecksumPart.ofImages.enumerated() {
        let (stored, found): (Int64?, Int64?) = (row[1 + 2 * index], row[2 + 2 * index])
        if stored == found { continue }
        let changed = try finding(part, stored, found, ["run": number, "position": position], db)
        findings.append(changed.of(run, position: position, image: try image(row[0], number, db)))
      }
    }
    return try findings + changedInputs(of: run, number, db)
  }

  private static func changedInputs(
    of run: String, _ number: Int, _ db: Database
  ) throws -> [Finding] {
    let part = ChecksumPart.ofInput
    let columns = part.columns.joined(separator: ", ")
    // Every position.
    let rows = try Row.fetchAll(
      db,
      sql: part.rows(
        "position, input.checksum, elbow_row_checksum(\(columns))", position: "position")
        + " AND input.checksum <> elbow_row_checksum(\(columns))", arguments: ["run": number])
    return try rows.map { row in
      try finding(part, row[1], row[2], ["run": number, "position": row[0]], db)
        .of(run, position: row[0], image: try image(row[0], number, db))
    }
  }

  /// Position, and for each part the checksum as it was and as it is.
  private static func selection(_ parts: [ChecksumPart], from table: String) -> String {
    let position = table == "prediction_checksum" ? "kept.position" : "NULL"
    let pairs = parts.map { "kept.\($0.name), (\($0.sql(run: "kept.run", position: position)))" }
    return "SELECT \(position), \(pairs.joined(separator: ", ")) FROM \(table) AS kept "
      + "WHERE kept.run = :run"
  }

  /// What has changed of a part: the value, where it can be told.
  private static func finding(
    _ part: ChecksumPart, _ stored: Int64?, _ found: Int64?, _ arguments: StatementArguments,
    _ db: Database
  ) throws -> Finding {
    let columns = part.columns.map(StoredValue.columns).joined(separator: ", ")
    let rows = try Row.fetchAll(db, sql: part.rows(columns), arguments: arguments).map { row in
      part.columns.indices.map { StoredValue(row, at: 2 * $0) }
    }
    if let stored, let changed = ChangedValue(rows, checksum: UInt64(bitPattern: stored)) {
      return Finding(
        part.named(changed.column), stored: rows[changed.row][changed.column].description,
        recomputed: changed.recorded.description)
    }
    func text(_ checksum: Int64?) -> String {
      checksum.map { "checksum " + String(UInt64(bitPattern: $0), radix: 16) } ?? "none"
    }
    // Beside its position there may be one value only that can have changed.
    let name = part.columns.count == 2 ? part.named(1) : part.tableChecked
    return Finding(name, stored: text(found), recomputed: text(stored))
  }

  private static func image(_ position: Int?, _ run: Int, _ db: Database) throws -> Int? {
    try Int.fetchOne(
      db,
      sql: """
        SELECT image_index FROM run_input JOIN input ON input.id = run_input.input_id
        WHERE run = ? AND position = ?
        """, arguments: [run, position])
  }

  private static func integer(_ cell: Cell) -> Int? {
    if case .integer(let value) = cell { Int(value) } else { nil }
  }

  private static func text(_ cell: Cell) -> String {
    switch cell {
    case .null: "NULL"
    case .integer(let value): "\(value)"
    case .real(let value): Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    case .text(let text): text
    case .blob(let bytes): "\(bytes.count.counted("byte"))"
    }
  }
}

extension Finding {
  /// The same in a run.
  func of(_ run: String, position: Int?, image: Int? = nil) -> Finding {
    var finding = self
    (finding.run, finding.position, finding.image) = (run, position, image)
    return finding
  }
}
