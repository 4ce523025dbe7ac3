import Basics
import Records
import RunStore

/// Cells that are left out of a sweep.
package enum SweepExclusion {
  /// Those that have one of the values of every flag, or none of a flag without values.
  case matching([SweepFile.Axis])
  /// Those that meet a condition over their flags.
  case meeting(RowFilter)

  /// The cells that are left.
  ///
  /// - Throws: `ElbowError` for a condition out of form.
  package func remaining(_ cells: [SweepCell]) throws -> [SweepCell] {
    switch self {
    case .matching(let axes):
      return cells.filter { cell in
        !axes.allSatisfy { axis in
          guard let value = cell[axis.flag] else { return axis.values.isEmpty }
          return axis.values.contains { Self.isEqual($0, value) }
        }
      }
    case .meeting(let filter):
      let flags = cells.reduce(into: [String]()) { flags, cell in
        for (flag, _) in cell.values where !flags.contains(flag) { flags.append(flag) }
      }
      let matches = try filter.matches(SweepCell.table(cells, flags))
      return zip(cells, matches).filter { !$1 }.map(\.0)
    }
  }

  /// Numbers by their values, all else by its spelling.
  private static func isEqual(_ a: String, _ b: String) -> Bool {
    guard let x = Fraction.parse(a), let y = Fraction.parse(b) else { return a == b }
    return x == y
  }
}
