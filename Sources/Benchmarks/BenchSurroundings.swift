import Basics
import Foundation
import Records
import RunStore
import TensorCore

/// On what, and with what, a figure was measured.
package struct BenchSurroundings {
  /// Columns that stand in every row of data.
  package static let columns = [
    "machine", "cores", "version", "git_commit", "sqlite", "blas",
  ]

  /// Values of `columns`: the processor, its cores that this process may use, Elbow's version, the
  /// commit of the checkout that the program lies in (with a plus where it differs from it), SQLite's
  /// version, the BLAS with its kernels.
  package static let current: [Cell] = [
    .text(Machine.cpu), .integer(Int64(ProcessInfo.processInfo.activeProcessorCount)),
    .text(elbowVersion),
    CodeState.current.map { .text($0.commit + ($0.isDirty ? "+" : "")) } ?? .null,
    .text(RunStore.sqliteVersion), .text("\(BLAS.version) \(BLAS.kernel)"),
  ]

  /// One line to read.
  package static var line: String {
    zip(columns, current).map { "\($0) \($1.text(null: "–"))" }.joined(separator: ", ")
  }
}

extension ResultTable {
  /// The same rows with those of `BenchSurroundings` beside them that they do not have.
  package var withSurroundings: ResultTable {
    let added = BenchSurroundings.columns.indices.filter {
      !columns.contains(BenchSurroundings.columns[$0])
    }
    return ResultTable(
      columns: columns + added.map { BenchSurroundings.columns[$0] },
      rows: rows.map { $0 + added.map { BenchSurroundings.current[$0] } })
  }
}
