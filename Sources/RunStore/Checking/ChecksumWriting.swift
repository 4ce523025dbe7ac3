import GRDB

/// Statements that write checksums, in the transactions of the rows that they are of.
enum ChecksumWriting {
  /// For the images of a run: `?1` is its number, `?2` the position.
  static let ofImage: String = {
    let parts = ChecksumPart.ofImages
    // A prediction that somebody deleted has left its checksum.
    return "INSERT OR REPLACE INTO prediction_checksum (run, position, \(names(parts))) "
      + "VALUES (?1, ?2, \(list(parts, run: "?1", position: "?2")))"
  }()

  /// When a run begins.
  static func begin(_ run: String, _ db: Database) throws {
    try db.cachedStatement(sql: beginning).execute(arguments: [run])
  }

  private static let beginning = """
    INSERT INTO run_checksum (run, \(names(ChecksumPart.ofBeginnings)))
    SELECT number, \(list(ChecksumPart.ofBeginnings, run: "begun.number"))
    FROM run_total AS begun WHERE run_id = ?
    """

  /// When what a run asks is told image by image: it is another run's question now.
  static func change(_ run: String, _ db: Database) throws {
    try db.cachedStatement(sql: changing).execute(arguments: [run])
  }

  private static let changing = change(ChecksumPart.ofBeginnings) {
    "\($0.name) = (\($0.sql(run: "run_checksum.run")))"
  }

  /// When a process goes on with a run: how it ended before counts no more.
  static func resume(_ run: String, _ db: Database) throws {
    try db.cachedStatement(sql: resuming).execute(arguments: [run])
  }

  private static let resuming = change(ChecksumPart.ofEndings) { "\($0.name) = NULL" }

  /// When a process has ended its part of a run. A run that was begun without checksums has none.
  static func end(_ run: String, _ db: Database) throws {
    try db.cachedStatement(sql: ending).execute(arguments: [run])
  }

  private static let ending = change(ChecksumPart.ofEndings) {
    "\($0.name) = (\($0.sql(run: "run_checksum.run")))"
  }

  private static func change(
    _ parts: [ChecksumPart], _ assignment: (ChecksumPart) -> String
  ) -> String {
    """
    UPDATE run_checksum SET \(parts.map(assignment).joined(separator: ", "))
    WHERE run = (SELECT number FROM run_total WHERE run_id = ?)
    """
  }

  private static func names(_ parts: [ChecksumPart]) -> String {
    parts.map(\.name).joined(separator: ", ")
  }

  private static func list(
    _ parts: [ChecksumPart], run: String, position: String = ""
  ) -> String {
    parts.map { "(\($0.sql(run: run, position: position)))" }.joined(separator: ", ")
  }
}
