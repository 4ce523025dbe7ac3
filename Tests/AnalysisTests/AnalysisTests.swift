import Analysis
import Foundation
import Records
import Testing

@Suite struct StatisticsTests {
  /// scipy.stats.binomtest(k, n).proportion_ci(method="wilson").
  @Test(arguments: [
    (0, 10, 0.0, 0.277_532_799_862_889_26),
    (10, 10, 0.722_467_200_137_110_9, 1.0),
    (85, 100, 0.767_164_404_091_676_3, 0.906_940_147_163_433_7),
    (452, 500, 0.875_013_037_572_484_8, 0.926_826_495_334_581),
  ])
  func wilson(successes: Int, n: Int, low: Double, high: Double) {
    let interval = WilsonInterval(successes: successes, of: n)
    #expect(abs(interval.low - low) < 1e-9)
    #expect(abs(interval.high - high) < 1e-9)
  }

  /// scipy.stats.binomtest(min(b, c), b + c).pvalue.
  @Test(arguments: [
    (0, 0, 1.0), (5, 5, 1.0), (1, 0, 1.0), (10, 2, 0.038_574_218_75), (0, 8, 0.007_812_5),
    (30, 60, 0.002_060_265_680_963_074_5),
  ])
  func mcNemar(b: Int, c: Int, p: Double) {
    let counts = PairedCounts(both: 3, b: b, c: c, neither: 1)
    #expect(abs(counts.pValue - p) < 1e-9)
    #expect(abs(counts.delta - Double(c - b) / Double(b + c + 4)) < 1e-15)
  }

  @Test func paretoFrontKeepsTies() {
    let front = paretoFront([(10, 0.5), (20, 0.9), (15, 0.4), (20, 0.9), (5, 0.5), (40, 0.8)])
    #expect(front == [4, 1, 3])
    #expect(paretoFront([]).isEmpty)
  }
}

@Suite struct TableFormatTests {
  private let table = ResultTable(
    columns: ["name", "n", "share"],
    rows: [
      [.text("a|b, \"c\"\td_e"), .integer(3), .real(0.25)],
      [.null, .integer(-12), .real(1e-7)],
      [.text("x\ny"), .null, .real(-.infinity)],
    ])

  @Test(arguments: [
    (
      TableFormat.table,
      """
      name            n  share
      ────────────  ───  ─────
      a|b, "c" d_e    3   0.25
      –             -12  1e-07
      x y             –   -inf

      """
    ),
    (
      .json,
      """
      [
        {"name": "a|b, \\"c\\"\\td_e", "n": 3, "share": 0.25},
        {"name": null, "n": -12, "share": 1e-7},
        {"name": "x\\ny", "n": null, "share": "-Infinity"}
      ]

      """
    ),
    (
      .jsonl,
      """
      {"name": "a|b, \\"c\\"\\td_e", "n": 3, "share": 0.25}
      {"name": null, "n": -12, "share": 1e-7}
      {"name": "x\\ny", "n": null, "share": "-Infinity"}

      """
    ),
    (
      .csv,
      """
      name,n,share
      "a|b, ""c""\td_e",3,0.25
      ,-12,1e-7
      "x
      y",,-inf

      """
    ),
    (
      .tsv,
      """
      name\tn\tshare
      a|b, "c"\\td_e\t3\t0.25
      \t-12\t1e-7
      x\\ny\t\t-inf

      """
    ),
    (
      .markdown,
      """
      | name | n | share |
      | --- | ---: | ---: |
      | a\\|b, "c" d_e | 3 | 0.25 |
      |  | -12 | 1e-7 |
      | x y |  | -inf |

      """
    ),
    (
      .latex,
      """
      \\begin{tabular}{lrr}
      \\toprule
      name & n & share \\\\
      \\midrule
      a|b, "c" d\\_e & 3 & 0.25 \\\\
       & -12 & 1e-7 \\\\
      x y &  & -inf \\\\
      \\bottomrule
      \\end{tabular}

      """
    ),
  ])
  func wholeOutput(format: TableFormat, expected: String) {
    #expect(format.render(table) == expected)
  }

  @Test func emptyTables() {
    let empty = ResultTable(columns: ["a"], rows: [])
    #expect(TableFormat.json.render(empty) == "[]\n")
    #expect(TableFormat.jsonl.render(empty) == "")
    #expect(TableFormat.csv.render(empty) == "a\n")
  }
}

@Suite struct ScatterPlotTests {
  @Test func wholeOutput() {
    let points = [
      ScatterPlot.Point(
        mark: "a", cost: 50, accuracy: 0.75, interval: WilsonInterval(successes: 75, of: 100)),
      ScatterPlot.Point(
        mark: "b", cost: 200, accuracy: 0.85, interval: WilsonInterval(successes: 85, of: 100)),
      ScatterPlot.Point(
        mark: "c", cost: 400, accuracy: 0.8, interval: WilsonInterval(successes: 80, of: 100)),
    ]
    let plot = ScatterPlot(points, width: 30, height: 7, costLabel: "evaluations")
    #expect(
      plot.lines() == [
        " 95.0 % ┤                              ",
        "        │                  │           ",
        " 85.0 % ┤                  B       │   ",
        "        │   │              │       c   ",
        " 75.0 % ┤   A              │       │   ",
        "        │   │                      │   ",
        " 65.0 % ┤   │                          ",
        "        └──────────────────────────────",
        "           50      100    200",
        "         evaluations",
      ])
  }
}

@Suite struct RunSummaryTests {
  private func runs(status: String, attack: Cell) -> ResultTable {
    let row: [(String, Cell)] = [
      ("id", .text("01ABCDEFGHJKMNPQRSTVWXYZ01")), ("name", .null), ("status", .text(status)),
      ("classifier", .text("rdc")), ("lm", .text("paper")), ("strategy", .text("uniform:5")),
      ("grid", .text("linear:0.05:3:20")), ("weights", .text("snr")), ("attack", attack),
      ("norm", .text("linf")), ("epsilon", .real(8.0 / 255)), ("images", .integer(10)),
      ("n_done", .integer(7)), ("n_correct", .integer(6)), ("accuracy", .real(6.0 / 7)),
      ("accuracy_low", .real(0.487)), ("accuracy_high", .real(0.974)),
      ("nfe_per_image", .real(55)), ("gradients_per_image", .real(5)),
      ("seconds_per_image", .real(0.0642)),
    ]
    return ResultTable(columns: row.map(\.0), rows: [row.map(\.1)])
  }

  @Test func whatIsUsualIsLeftOut() {
    let plain = TableFormat.table.render(
      RunSummary.table(runs(status: "finished", attack: .null)))
    #expect(
      plain == """
        run         classifier   strategy   grid              weights  images  accuracy % (95 %)   NFE  gradients  s/image
        ──────────  ───────────  ─────────  ────────────────  ───────  ──────  ─────────────────  ────  ─────────  ───────
        01ABCDEFGH  rdc (paper)  uniform:5  linear:0.05:3:20  snr      7/10    85.7 (48.7–97.4)   55.0        5.0    0.064

        """)
    let other = RunSummary.table(runs(status: "crashed", attack: .text("apgd-ce")))
    #expect(other.columns.contains("status"))
    #expect(other[0, "attack"] == .text("apgd-ce linf 8/255"))
  }

  @Test(arguments: [90, 100, 120, 200])
  func tablesFitTheTerminal(width: Int) {
    let table = RunSummary.table(runs(status: "crashed", attack: .text("apgd-ce")), fitting: width)
    let lines = TableFormat.table.render(table).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= width })
    #expect(table.columns.contains("accuracy % (95 %)"))
  }
}
