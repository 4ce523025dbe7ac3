import Basics
import Foundation
import Records
import Reporting
import Statistics
import Testing

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
      a|b, "c"␉d_e    3   0.25
      –             -12  1e-07
      x␊y             –     -∞

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
      y",,-Infinity

      """
    ),
    (
      .tsv,
      """
      name\tn\tshare
      a|b, "c"\\td_e\t3\t0.25
      \t-12\t1e-7
      x\\ny\t\t-Infinity

      """
    ),
    (
      .markdown,
      """
      | name | n | share |
      | --- | ---: | ---: |
      | a\\|b, "c"␉d_e | 3 | 0.25 |
      | – | -12 | 1e-7 |
      | x␊y | – | -∞ |

      """
    ),
    (
      .latex,
      """
      \\begin{tabular}{lrr}
      \\toprule
      name & n & share \\\\
      \\midrule
      a\\textbar{}b, \\textquotedbl{}c\\textquotedbl{}\\textsc{ht}d\\_e & 3 & 0.25 \\\\
      -- & $-12$ & $10^{-7}$ \\\\
      x\\textsc{lf}y & -- & $-\\infty$ \\\\
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
        "        │                              ",
        " 90.0 % ┤                  │           ",
        "        │                  B       │   ",
        " 80.0 % ┤   │              │       c   ",
        "        │   A              │       │   ",
        " 70.0 % ┤   │                      │   ",
        "        │   │                          ",
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
      ("seconds_per_image", .real(0.0642)), ("inputs_run", .null), ("replay_of", .null),
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
        01ABCDEFGH  rdc (paper)  uniform:5  linear:0.05:3:20  snr        7/10  85.7 (48.7–97.4)   55.0        5.0    0.064

        """)
    let other = RunSummary.table(runs(status: "crashed", attack: .text("apgd-ce")))
    #expect(other.columns.contains("status"))
    #expect(other[0, "attack"] == .text("apgd-ce linf 8/255"))
  }

  /// Only what bounds a distance in pixel units is counted in grey values.
  @Test func threatsAreSpelledInTheirUnits() {
    for (norm, epsilon, text) in [
      ("linf", 8.0 / 255, "linf 8/255"), ("l2", 1.5, "l2 1.5"), ("corruption", 3, "corruption 3"),
      ("rotation", 1, "rotation 1"), ("flow", 0.05, "flow 0.05"),
    ] { #expect(RunSummary.threat(norm, epsilon) == text) }
  }

  /// A replay is not taken for a live run, nor another run's images for clean ones.
  @Test func replaysAndBorrowedImagesShow() {
    var table = runs(status: "finished", attack: .null)
    table.rows[0][table.columns.count - 1] = .text("01ZZZZZZZZKMNPQRSTVWXYZ012")
    table.rows[0][table.columns.count - 2] = .text("01YYYYYYYYKMNPQRSTVWXYZ012")
    let summary = RunSummary.table(table)
    #expect(summary[0, "status"] == .text("replayed"))
    #expect(summary[0, "attack"] == .text("as in 01YYYYYYYY"))
  }

  /// Only what differs, and what came of it.
  @Test func changesAreShown() {
    var two = runs(status: "finished", attack: .null)
    two.rows.append(two.rows[0])
    for (column, cell) in [
      ("strategy", Cell.text("full")), ("id", .text("01BBBBBBBBJKMNPQRSTVWXYZ01")),
      ("accuracy", .real(0.5)), ("status", .text("crashed")),
    ] {
      two.rows[1][two.columns.firstIndex(of: column) ?? 0] = cell
    }
    let changes = RunSummary.changes(two)
    #expect(
      changes.columns == [
        "run", "status", "strategy", "images", "accuracy % (95 %)", "NFE", "s/image",
      ])
    #expect(two.changed.columns == ["id", "status", "strategy", "accuracy"])
    #expect(two.dropping("id").dropping("nothing").columns.count == two.columns.count - 1)
  }

  /// Seeds and times stand where they tell something.
  @Test func seedsAndTimes() throws {
    var table = runs(status: "finished", attack: .null)
    table = table.appending("seed", [.integer(0)])
      .appending("started_at", [.text("2026-11-28T08:12:03.250Z")])
    let now = Date(timeIntervalSince1970: 1_795_867_200)
    let times = TimeDisplay(now: now, zone: try #require(TimeZone(identifier: "Europe/Berlin")))
    let alone = RunSummary.table(table, times: times)
    #expect(alone.columns.prefix(2) == ["run", "when"] && alone[0, "when"] == .text("3 h ago"))
    #expect(!alone.columns.contains("seed"))
    #expect(!RunSummary.table(table).columns.contains("when"))
    table.rows.append(table.rows[0])
    table.rows[1][table.columns.count - 2] = .integer(7)
    let two = RunSummary.table(table)
    #expect(two[0, "seed"] == .integer(0) && two[1, "seed"] == .integer(7))
    #expect(two.columns.contains("images"))
  }
}
