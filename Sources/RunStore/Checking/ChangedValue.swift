import Basics

/// The one value of some rows that is not what it was when their checksum was taken.
struct ChangedValue {
  /// Index of its row.
  let row: Int
  /// Index of its column.
  let column: Int
  /// What it was.
  let recorded: StoredValue

  /// Bytes that are hashed at most while it is looked for.
  private static let limit = 1 << 30

  /// Looks for it: nil where more was changed than one accident does, or the rows are too long to try.
  init?(_ rows: [[StoredValue]], checksum: UInt64) {
    let checksums = rows.map { Checksum($0).value }
    let sum = checksums.reduce(0, &+)
    var work = 0
    for row in rows {
      let bytes = row.reduce(0) { $0 + 16 + $1.bytes.count }
      work += bytes * row.reduce(0) { $0 + 320 + 8 * $1.bytes.count }
    }
    guard work <= Self.limit else { return nil }
    for (number, row) in rows.enumerated() {
      // What this row's checksum was, if the others are as they were.
      let wanted = checksum &- sum &+ checksums[number]
      var changed = row
      for index in row.indices {
        let found = row[index].precursor { value in
          changed[index] = value
          return Checksum(changed).value == wanted
        }
        if let found {
          (self.row, column, recorded) = (number, index, found)
          return
        }
        changed[index] = row[index]
      }
    }
    return nil
  }
}
