import Basics
import Records
import Reporting
import Statistics
import Testing

@Suite struct CellWidthTests {
  @Test(arguments: [
    ("plain", 5), ("größe", 5), ("e\u{301}", 1), ("日本語", 6), ("ｆｕｌｌ", 8), ("한글", 4),
    ("\u{1112}\u{1161}\u{11AB}", 2),
    ("👍🏽", 2), ("👩‍👩‍👧", 2), ("❤️", 2), ("🇩🇪", 2), ("1️⃣", 2), ("क्ष", 2), ("–…│", 3), ("", 0),
  ])
  func cells(text: String, width: Int) { #expect(text.cellWidth == width) }

  @Test(arguments: [
    ("abcdefgh", 8, "abcdefgh", "abcdefgh"), ("abcdefgh", 5, "abcd…", "ab…gh"),
    ("abcdefgh", 1, "…", "…"), ("abcdefgh", 0, "", ""), ("日本語文字", 6, "日本…", "日…字"),
    ("ab  cdefg", 5, "ab…", "ab…fg"),
  ])
  func shortening(text: String, width: Int, atEnd: String, inTheMiddle: String) {
    #expect(text.shortened(to: width) == atEnd)
    #expect(text.shortened(to: width, cut: .middle) == inTheMiddle)
  }

  /// JSON, which has no spaces, breaks behind its commas.
  @Test func wrapping() {
    #expect("one two three".wrapped(to: 8) == ["one two", "three"])
    #expect(
      #"{"a":12,"bc":345,"d":6}"#.wrapped(to: 12) == [#"{"a":12,"#, #""bc":345,"#, #""d":6}"#])
    #expect("abcdefgh".wrapped(to: 3) == ["abc", "def", "gh"])
  }
}

@Suite struct TerminalTableTests {
  private static let runs = ResultTable(
    columns: [
      "run", "when", "name", "status", "strategy", "grid", "attack", "images", "accuracy % (95 %)",
      "NFE", "gradients",
    ],
    rows: [
      [
        .text("01ABCDEFGH"), .text("3 h ago"), .text("sweep over η = 0.1"), .text("finished"),
        .text("halving:4x4,1x20"), .text("linear:0.05:3:20"), .text("apgd-ce linf 8/255"),
        .text("100"), .text("85.0 (76.7–90.7)"), .text("104.0"), .text("5.0"),
      ],
      [
        .text("01BBCDEFGH"), .text("2 d ago"), .text("日本語の長い名前とその続き"), .text("crashed"),
        .text("uniform:5"), .text("edm:0.05:3:20"), .text("none"), .text("57/1000"),
        .text("90.0 (88.0–91.7)"), .text("50.0"), .null,
      ],
    ])

  /// Whole outputs. Number, interval, attack and status are in all of them.
  @Test(arguments: [
    (
      40,
      """
      run       01ABCDEFGH
      when      3 h ago
      name      sweep over η = 0.1
      status    finished
      strategy  halving:4x4,1x20
      grid      linear:0.05:3:20
      attack    apgd-ce linf 8/255
      n         100
      % (95 %)  85.0 (76.7–90.7)
      NFE       104.0
      grad.     5.0

      run       01BBCDEFGH
      when      2 d ago
      name      日本語の長い名前とその続き
      status    crashed
      strategy  uniform:5
      grid      edm:0.05:3:20
      attack    none
      n         57/1000
      % (95 %)  90.0 (88.0–91.7)
      NFE       50.0

      """, [String]()
    ),
    (
      80,
      """
      run         name             status    attack           images  accuracy (95 %)
      ──────────  ───────────────  ────────  ──────────────  ───────  ────────────────
      01ABCDEFGH  sweep o…η = 0.1  finished  apgd-ce… 8/255      100  85.0 (76.7–90.7)
      01BBCDEFGH  日本語…の続き    crashed   none            57/1000  90.0 (88.0–91.7)

      """, ["when", "strategy", "grid", "NFE", "gradients"]
    ),
    (
      120,
      """
      run         when     name                status    strategy          attack              images  accuracy (95 %)     NFE
      ──────────  ───────  ──────────────────  ────────  ────────────────  ─────────────────  ───────  ────────────────  ─────
      01ABCDEFGH  3 h ago  sweep over η = 0.1  finished  halving:4x4,1x20  apgd-ce…nf 8/255       100  85.0 (76.7–90.7)  104.0
      01BBCDEFGH  2 d ago  日本語の…その続き   crashed   uniform:5         none               57/1000  90.0 (88.0–91.7)   50.0

      """, ["grid", "gradients"]
    ),
    (
      200,
      """
      run         when     name                        status    strategy          grid              attack               images  accuracy % (95 %)    NFE  gradients
      ──────────  ───────  ──────────────────────────  ────────  ────────────────  ────────────────  ──────────────────  ───────  ─────────────────  ─────  ─────────
      01ABCDEFGH  3 h ago  sweep over η = 0.1          finished  halving:4x4,1x20  linear:0.05:3:20  apgd-ce linf 8/255      100  85.0 (76.7–90.7)   104.0        5.0
      01BBCDEFGH  2 d ago  日本語の長い名前とその続き  crashed   uniform:5         edm:0.05:3:20     none                57/1000  90.0 (88.0–91.7)    50.0          –

      """, [String]()
    ),
  ])
  func wholeOutput(width: Int, expected: String, leftOut: [String]) {
    let output = TerminalTable(Self.runs).output(width: width)
    #expect(output.text == expected)
    #expect(output.leftOut == leftOut)
  }

  /// No line is longer than the terminal; what must stay stays; what goes is named.
  @Test(arguments: 24...220)
  func nothingWraps(width: Int) {
    let output = TerminalTable(Self.runs).output(width: width)
    let lines = output.text.split(separator: "\n").map(String.init)
    #expect(lines.allSatisfy { $0.cellWidth <= width })
    for part in ["01ABCDEFGH", "85.0 (76.7–90.7)", "57/1000", "crashed"] {
      #expect(output.text.contains(part) || width < 32, "\(part)")
    }
    if lines[0].hasPrefix("run  ") && !lines[0].contains("01A") {
      let heads = lines[0].split(separator: " ").map(String.init)
      for (name, short) in [("when", "when"), ("name", "name"), ("gradients", "grad.")] {
        #expect(output.leftOut.contains(name) != (heads.contains(name) || heads.contains(short)))
      }
    }
  }

  @Test func noticesNameWhatIsLeftOut() {
    let output = TerminalTable(Self.runs).output(width: 100)
    let notice = output.notice(width: 40)
    #expect(notice?.split(separator: "\n").allSatisfy { $0.count <= 40 } == true)
    #expect(notice?.hasPrefix("left out: ") == true)
    #expect(output.leftOut.allSatisfy { notice?.contains($0) == true })
    #expect(TerminalTable(Self.runs).output().notice() == nil)
  }

  /// Sentences are neither cut nor left out: they go on below.
  @Test func sentencesGoOn() {
    let checks = ResultTable(
      columns: ["item", "n", "detail", "more"],
      rows: [
        [
          .text("dataset"), .integer(3),
          .text("cifar10 is not in this folder; name the folder of the binary version with --data"),
          .text("x"),
        ],
        [.text("SQLite"), .null, .text("3.40.1"), .text("yy")],
      ])
    #expect(
      TerminalTable(checks).output(width: 48).text == """
        item     n  detail                          more
        ───────  ─  ──────────────────────────────  ────
        dataset  3  cifar10 is not in this folder;  x
                    name the folder of the binary
                    version with --data
        SQLite   –  3.40.1                          yy

        """)
  }

  /// Of columns that were chosen by hand none goes: rather each cell has a line.
  @Test func chosenColumnsStay() {
    let wide = ResultTable(
      columns: (0..<12).map { "column \($0)" }, rows: [(0..<12).map { .integer(1_000_000 + $0) }])
    let output = TerminalTable(wide, keepsAll: true).output(width: 60)
    #expect(output.leftOut.isEmpty && output.text.split(separator: "\n").count == 12)
    #expect(output.text.hasSuffix("column 10  1000010\ncolumn 11  1000011\n"))
    let fewer = TerminalTable(wide).output(width: 60)
    #expect(fewer.leftOut == (6..<12).map { "column \($0)" })
  }

  /// What was asked for stays where others go, even what is minor, and is not named as left out.
  @Test(arguments: 40...160)
  func columnsAskedForStay(width: Int) {
    let asked = ["grid", "gradients"]
    let output = TerminalTable(Self.runs, asked: asked).output(width: width)
    #expect(asked.allSatisfy { !output.leftOut.contains($0) })
    #expect(output.text.contains("grid") && output.text.contains("5.0"))
    #expect(output.text.split(separator: "\n").allSatisfy { String($0).cellWidth <= width })
  }

  /// Cells of a matrix are whole at every width, its rows told apart in every part.
  @Test(arguments: [48, 50, 60, 80, 100, 140, 500])
  func cellsOfAMatrixAreWhole(width: Int) {
    let cells = ["100.0 (51–100) n=4 M100.0", "20.0 (4–62) n=5 abcdegh", "0.0 (0–43) n=5", "–"]
    let matrix = ResultTable(
      columns: ["configuration", "linf 8/255", "linf 0.1", "l2 0.5", "l2 1"],
      rows: [
        [.text("dc, uniform:5, edm")] + cells.map { .text($0) },
        [.text("rdc, uniform:5, edm")] + cells.reversed().map { .text($0) },
      ])
    let output = TerminalTable(matrix, stub: 1).output(width: width)
    #expect(output.leftOut.isEmpty)
    #expect(cells.allSatisfy { cell in output.text.components(separatedBy: cell).count > 2 })
    #expect(!output.text.contains("…"))
    let lines = output.text.split(separator: "\n")
    #expect(lines.allSatisfy { String($0).cellWidth <= width }, "\(output.text)")
    let parts = lines.count { $0.hasPrefix("configuration") }
    #expect(parts == (width >= 140 ? 1 : parts) && (width >= 80 || parts > 1))
    #expect(
      TerminalTable(matrix, stub: 1).output().text.hasPrefix(
        "configuration       │ linf 8/255                │ linf 0.1                │ l2 0.5 "))
  }

  /// One long name does not widen every row of a file; data formats have it whole.
  @Test func longNamesEndInFiles() {
    let long = String(repeating: "x", count: 300)
    let table = ResultTable(
      columns: ["run", "name"], rows: [[.text("a"), .text(long)], [.text("b"), .text("short")]])
    let lines = TableFormat.table.render(table).split(separator: "\n")
    #expect(lines.allSatisfy { String($0).cellWidth <= 70 } && lines[2].contains("x…x"))
    #expect(TableFormat.csv.render(table).contains(long))
  }

  /// As few columns as tell the rows apart, the telling ones first.
  @Test func rowsAreToldApart() {
    let changes = ResultTable(
      columns: ["run", "name", "seed", "strategy", "lm_rate", "images", "NFE"],
      rows: [
        [.text("a"), .text("x"), .integer(0), .text("full"), .real(1), .integer(1), .real(9)],
        [.text("b"), .text("y"), .integer(1), .text("full"), .real(2), .integer(1), .real(8)],
        [.text("c"), .text("z"), .integer(0), .text("first:1"), .real(2), .integer(1), .real(7)],
      ])
    #expect(RunSummary.distinguishing(changes) == ["strategy", "seed"])
  }

  /// Escapes take no cells and come only when asked for.
  @Test func styles() {
    let table = ResultTable(
      columns: ["status", "n"],
      rows: [[.text("crashed"), .integer(3)], [.text("finished"), .null]])
    let terminal = TerminalTable(table, emphasis: RunSummary.emphasis(table))
    #expect(!terminal.output(style: .plain).text.contains("\u{1B}"))
    let styled = terminal.output(width: 40, style: .ansi).text
    #expect(
      styled == """
        \u{1B}[1mstatus\u{1B}[0m    \u{1B}[1mn\u{1B}[0m
        \u{1B}[2m────────\u{1B}[0m  \u{1B}[2m─\u{1B}[0m
        \u{1B}[31mcrashed\u{1B}[0m   3
        finished  –

        """)
    let plain = styled.replacing(/\u{1B}\[[0-9]+m/, with: "")
    #expect(plain == terminal.output(width: 40).text)
    #expect(Emphasis(difference: 0.1...0.2) == .better && Emphasis(difference: -0.1...0.2) == .none)
    #expect(Emphasis(difference: -0.2...(-0.1)) == .worse)
  }

  /// SQLite gives NaN as NULL; values that are counted, or known to be there, are NaN again.
  @Test func notANumber() {
    let table = ResultTable(
      columns: ["key", "last", "n"],
      rows: [
        [.text("a"), .null, .integer(3)], [.text("b"), .null, .integer(0)],
        [.null, .real(1), .null],
      ]
    )
    let counted = table.namingNaN(in: ["last", "other"], counted: "n")
    #expect(counted.rows.map { $0[1] } == [.notANumber, .null, .real(1)])
    #expect(
      table.namingNaN(in: ["last"]).rows.map { $0[1] } == [.notANumber, .notANumber, .real(1)])
    #expect(TableFormat.isNumeric(counted.rows, 1))
    #expect(
      TableFormat.table.render(counted) == """
        key  last  n
        ───  ────  ─
        a     NaN  3
        b       –  0
        –       1  –

        """)
  }
}
