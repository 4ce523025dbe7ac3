import Basics
import GRDB
import Records

/// Inserts inputs of one run, within one transaction.
struct InputInsertion {
  private let db: Database
  private let input, link: Insertion
  private var sources: [[String]: Int] = [:]

  /// For the run of an id.
  ///
  /// - Parameter inputsRun: the run whose recorded images they are; nil: the dataset's own.
  init(_ run: String, inputsRun: String?, _ db: Database) throws {
    self.db = db
    // An image that is known already is passed over by the table's trigger. One that another run's
    // attack has made is of the image that it was made from.
    input = try Insertion(
      """
      INSERT INTO input (source, image_index, label, sha256, checksum, image)
      VALUES (?1, ?2, ?3, ?4, ?6, (
        SELECT given.image
        FROM run_total
        CROSS JOIN input AS given ON given.image_index = ?2 AND given.source = ?1
          AND given.label = ?3 AND given.sha256 <> ?4
        CROSS JOIN run_input ON run_input.input_id = given.id
          AND run_input.run = run_total.number
        WHERE run_id = ?5 LIMIT 1))
      """, db)
    input.bind(5, inputsRun)
    link = try Insertion(
      """
      INSERT INTO run_input
      SELECT number, ?6, id FROM run_total CROSS JOIN input
      WHERE run_id = ?5 AND source = ?1 AND image_index = ?2 AND label = ?3 AND sha256 = ?4
      """, db)
    link.bind(5, run)
  }

  /// Inserts one.
  mutating func insert(_ record: InputRecord, at position: Int) throws {
    let name = [record.dataset, record.split]
    let source = try sources[name] ?? insertSource(name)
    sources[name] = source
    let hash = SHA256.bytes(ofHexDigest: record.sha256)
    for statement in [input, link] {
      statement.bind(1, source)
      statement.bind(2, record.index)
      statement.bind(3, record.label)
      statement.bind(4, hash)
    }
    input.bind(6, Self.checksum(record, hash))
    try input.insert()
    link.bind(6, position)
    try link.insert()
  }

  /// What `input.checksum` keeps.
  private static func checksum(_ input: InputRecord, _ hash: [UInt8]) -> Int {
    let row: [Cell] = [
      .text(input.dataset), .text(input.split), .integer(Int64(input.index)),
      .integer(Int64(input.label)), .blob(hash),
    ]
    return Int(bitPattern: UInt(Checksum(row).value))
  }

  /// The number of a dataset's split.
  private func insertSource(_ name: [String]) throws -> Int? {
    try db.execute(
      sql: "INSERT INTO source (dataset, split) VALUES (?, ?) ON CONFLICT DO NOTHING",
      arguments: StatementArguments(name))
    return try Int.fetchOne(
      db, sql: "SELECT id FROM source WHERE dataset = ? AND split = ?",
      arguments: StatementArguments(name))
  }
}
