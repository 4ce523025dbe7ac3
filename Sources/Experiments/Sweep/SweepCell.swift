import Basics
import Evaluation
import Records

/// One run of a sweep: a value for each of some flags.
package struct SweepCell {
  /// In the file's order.
  package private(set) var values: [(flag: String, value: String)] = []
  /// What it asks, where that is not told by flags alone; the flags are then names for it.
  private var whole: RunRequest?

  /// A cell without flags.
  package init() {}

  /// A cell that asks `request`, told apart by flags.
  package init(_ request: RunRequest, _ values: [(flag: String, value: String)]) {
    (whole, self.values) = (request, values)
  }

  /// With one more.
  package func adding(_ flag: String, _ value: String) -> SweepCell {
    var cell = self
    cell.values.append((flag, value))
    return cell
  }

  /// The value of a flag, nil where the cell leaves it to the default.
  package subscript(flag: String) -> String? { values.first { $0.flag == flag }?.value }

  /// As `strategy uniform:2, seed 1`: the values of some flags.
  package func label(_ flags: [String]) -> String {
    flags.compactMap { flag in self[flag].map { "\(flag) \($0)" } }.joined(separator: ", ")
  }

  /// What the cell asks.
  ///
  /// - Throws: `ElbowError` for values out of form.
  package func request() throws -> RunRequest {
    try whole ?? RequestKeys.request(Dictionary(values.map { ($0.flag, $0.value) }) { $1 })
  }

  /// Flags whose values tell cells apart.
  ///
  /// - Parameter constants: flags that only their values tell apart, not that a cell has none.
  package static func varying(_ cells: [SweepCell], constants: Set<String>) -> [String] {
    var flags: [String] = []
    for cell in cells {
      for (flag, _) in cell.values where !flags.contains(flag) { flags.append(flag) }
    }
    return flags.filter { flag in
      var values = Set(cells.map { $0[flag] })
      if constants.contains(flag) { values.remove(nil) }
      return values.count > 1
    }
  }

  /// The cells' values as columns, dashes in flags written as `_`; numbers as numbers.
  package static func table(_ cells: [SweepCell], _ flags: [String]) -> ResultTable {
    ResultTable(
      columns: flags.map { $0.replacing("-", with: "_") },
      rows: cells.map { cell in
        flags.map { flag in
          guard let value = cell[flag] else { return .null }
          if let integer = Int64(value) { return .integer(integer) }
          // Seeds that no other number holds.
          if UInt64(value) != nil { return .text(value) }
          return Fraction.parse(value).map { $0.isFinite ? .real($0) : .text(value) }
            ?? .text(value)
        }
      })
  }
}
