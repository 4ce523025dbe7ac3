import Basics
import GRDB
import GRDBSQLite
import Records

extension RunStore {
  /// A run's inputs in evaluation order.
  ///
  /// - Throws: `ElbowError` where they cannot be what they should.
  static func inputs(
    of id: String, _ db: Database, in file: String
  ) throws -> [InputRecord] {
    var inputs: [InputRecord] = []
    try forEachInput(of: id, db, in: file) { inputs.append($0) }
    return inputs
  }

  /// Gives a run's inputs to `body`, in evaluation order: lists that are long are not boxed first.
  ///
  /// - Throws: `ElbowError` where they cannot be what they should.
  static func forEachInput(
    of id: String, _ db: Database, in file: String, _ body: (InputRecord) throws -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT dataset, split, image_index, label, lower(hex(sha256)), position
        FROM run_total
        JOIN run_input ON run_input.run = run_total.number
        JOIN input ON input.id = run_input.input_id
        JOIN source ON source.id = input.source
        WHERE run_id = ? ORDER BY position
        """)
    try statement.setArguments([id])
    let rows = try Row.fetchCursor(statement)
    var position = 0
    while let row = try rows.next() {
      let input = CheckedRow(row, of: id, in: file)
      guard try input.integer(5) == position else {
        throw input.damaged(5, "is \(try input.integer(5)) where \(position) should follow")
      }
      try body(
        InputRecord(
          dataset: input.text(0), split: input.text(1), index: input.integer(2),
          label: input.integer(3), sha256: input.text(4)))
      position += 1
    }
  }
}
