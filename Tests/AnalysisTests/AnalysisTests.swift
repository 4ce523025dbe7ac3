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
