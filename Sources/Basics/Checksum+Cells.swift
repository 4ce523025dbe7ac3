extension Checksum {
  /// The checksum of a row: of its values in order.
  package init(_ row: [Cell]) {
    self.init()
    for cell in row { add(cell) }
  }

  /// Adds a value as SQLite types it; a negative zero is the zero that SQLite keeps of it.
  package mutating func add(_ cell: Cell) {
    switch cell {
    case .null: add(0)
    case .integer(let value):
      add(1)
      add(UInt64(bitPattern: value))
    case .real(let value):
      add(2)
      add((value + 0).bitPattern)
    case .text(let text):
      add(3)
      var text = text
      text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    case .blob(let bytes):
      add(4)
      bytes.withUnsafeBytes { add($0) }
    }
  }
}
