import Basics
import Records
import Reporting
import Statistics
import Testing

@Suite struct TableWriterTests {
  private static let table = ResultTable(
    columns: ["name", "n_%"],
    rows: [
      [.text("a,\"b\"\n|c|"), .integer(3)], [.null, .real(-2.5e-9)], [.text("é"), .null],
    ])

  private static func write(
    _ format: TableFormat, _ table: ResultTable, comment: String? = nil
  ) throws -> [String] {
    var pieces: [String] = []
    var writer = TableWriter(format, columns: table.columns) { pieces.append($0) }
    for row in table.rows { try writer.append(row, comment: comment) }
    try writer.finish()
    #expect(writer.count == table.rows.count)
    return pieces
  }

  /// Row by row or at once: the same text, without rows as well.
  @Test(arguments: TableFormat.allCases.filter { $0 != .table })
  func rowsMakeTheTable(format: TableFormat) throws {
    let empty = ResultTable(columns: Self.table.columns, rows: [])
    #expect(try Self.write(format, Self.table).joined() == format.render(Self.table))
    #expect(try Self.write(format, empty).joined() == format.render(empty))
  }

  /// Nothing is kept back but the rows that decide the alignment.
  @Test(arguments: [(TableFormat.csv, 1), (.json, 1), (.markdown, TableWriter.rowsToAlign)])
  func rowsLeaveAtOnce(format: TableFormat, rows: Int) throws {
    var text = ""
    var writer = TableWriter(format, columns: ["x"]) { text += $0 }
    for i in 0..<rows { try writer.append([.integer(Int64(i))]) }
    #expect(text.contains("\(rows - 1)"))
  }

  @Test func latexNamesItsRuns() throws {
    let text = try Self.write(.latex, Self.table, comment: "run 01A\nB").joined()
    #expect(
      text == """
        \\begin{tabular}{lr}
        \\toprule
        name & n\\_\\% \\\\
        \\midrule
        a,\\textquotedbl{}b\\textquotedbl{}\\textsc{lf}\\textbar{}c\\textbar{} & 3 \\\\ % run 01A␊B
        -- & $-2.5 \\times 10^{-9}$ \\\\ % run 01A␊B
        é & -- \\\\ % run 01A␊B
        \\bottomrule
        \\end{tabular}

        """)
  }

  @Test func latexEscapesWhatHasAMeaning() {
    #expect(
      TableFormat.latex("\\ ~^&%$#_{} <>|\"` -- – ε≤8/255 ℓ∞") == "\\textbackslash{} "
        + "\\textasciitilde{}\\textasciicircum{}\\&\\%\\$\\#\\_\\{\\} \\textless{}\\textgreater{}"
        + "\\textbar{}\\textquotedbl{}\\textasciigrave{} -{}- -- $\\varepsilon$$\\leq$8/255 $\\ell$$\\infty$"
    )
  }

  /// A sink that fails ends the writing with its own error.
  @Test func sinksMayFail() throws {
    struct Full: Error {}
    var writer = TableWriter(.csv, columns: ["x"]) { _ in throw Full() }
    #expect(throws: Full.self) { try writer.append([.null]) }
  }
}
