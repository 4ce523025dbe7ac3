import Basics
import Foundation
import Records
import Reporting
import Statistics
import Testing

/// Texts of someone who means harm, in every format.
@Suite struct EscapingTests {
  /// Signs of markup, also with an accent, which makes them other characters and the same scalars.
  static let hostile = [
    "\u{1B}]0;title\u{7}\u{1B}[2J", "\u{9B}31m", "a\r\nb\tc\u{0}\u{7F}", "\u{202E}gpj.exe\u{2069}",
    "\u{200F}\u{61C}\u{2028}\u{FEFF}\u{E0041}\u{FFFE}", "=cmd|'/C calc'!A0", "@SUM(A1)", "-1+2",
    "| \\| |\u{301} `x` <b>&amp;</b> [l](http://x.y) www.x.y a@b.c __i__ **b** ~~s~~",
    "\"\u{301} onmouseover=\"alert(1)", "<\u{338}script>", "',\u{301}',\"\u{301}\",\n",
    "'\u{301}; system 'x'", "\\\u{301}input{/etc/passwd} 100% $x$ #1 {_^~}",
  ]
  private static let table = ResultTable(
    columns: hostile, rows: [hostile.map { .text($0) }, hostile.reversed().map { .text($0) }])

  private func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
    let bidi: [Unicode.Scalar] = [
      "\u{200E}", "\u{200F}", "\u{61C}", "\u{202A}", "\u{202B}", "\u{202C}", "\u{202D}", "\u{202E}",
      "\u{2066}", "\u{2067}", "\u{2068}", "\u{2069}", "\u{2028}", "\u{2029}", "\u{FEFF}",
      "\u{E0041}", "\u{FFFE}",
    ]
    return scalar.properties.generalCategory == .control || bidi.contains(scalar)
  }

  @Test(arguments: [TableFormat.table, .markdown, .latex, .json, .jsonl])
  func nothingUnseenIsWritten(format: TableFormat) {
    let scalars = format.render(Self.table).unicodeScalars.filter { $0 != "\n" }
    #expect(!scalars.contains(where: isUnseen))
  }

  @Test func whatIsSeen() {
    #expect("a\u{1B}\u{7}\n\t\u{7F}\u{9B}\u{202E}".visible == "a␛␇␊␉␡\\u{9B}\\u{202E}")
    #expect("plain – ünïcödé 日本".visible == "plain – ünïcödé 日本")
    // Joiners shape words and emoji.
    #expect("نمی‌خواهم 👩‍👧".visible == "نمی‌خواهم 👩‍👧")
    #expect("\u{600}1".visible == "\u{600}1")
  }

  /// Two rows below the head and the rule.
  @Test func rowsOfATerminalStayRows() {
    #expect(TableFormat.table.render(Self.table).split(separator: "\n").count == 4)
  }

  /// A parser of RFC 4180 finds every text again, those that would be formulas behind an apostrophe.
  @Test func csvIsExact() throws {
    let read = Self.parse(csv: TableFormat.csv.render(Self.table))
    let inert = Self.hostile.map { ["=", "@", "-"].contains($0.first) ? "'\($0)" : $0 }
    try #require(read.count == 3)
    #expect(read[0].map { Array($0.utf8) } == inert.map { Array($0.utf8) })
    #expect(read[2].map { Array($0.utf8) } == inert.reversed().map { Array($0.utf8) })
  }

  @Test(arguments: [
    ("=1+1", "'=1+1"), ("-5", "-5"), ("+1e3", "+1e3"), ("-inf", "-inf"), ("+49 30", "'+49 30"),
    ("@x", "'@x"), ("\tx", "'\tx"), ("a=b", "a=b"), ("", ""),
  ])
  func formulas(text: String, written: String) {
    let table = ResultTable(columns: ["c"], rows: [[.text(text)]])
    #expect(TableFormat.csv.render(table) == "c\n\(written)\n")
  }

  /// Numbers are numbers, whatever their sign.
  @Test func numbersAreNoFormulas() {
    let table = ResultTable(
      columns: ["c"], rows: [[.real(-1.5)], [.real(-.infinity)], [.real(.nan)]])
    #expect(TableFormat.csv.render(table) == "c\n-1.5\n-Infinity\nNaN\n")
    #expect(TableFormat.jsonl.render(table).contains("{\"c\": \"NaN\"}"))
    #expect(TableFormat.latex.render(table).contains("NaN \\\\"))
    #expect(TableFormat.table.render(table).hasSuffix("-1.5\n  -∞\n NaN\n"))
  }

  @Test func tsvHasOneLineARow() {
    let lines = TableFormat.tsv.render(Self.table).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { $0.split(separator: "\t").count == Self.hostile.count })
  }

  @Test func jsonIsExact() throws {
    let text = TableFormat.jsonl.render(
      ResultTable(columns: ["a"], rows: Self.hostile.map { [.text($0)] }))
    let read = try text.split(separator: "\n").map { line in
      try JSONDecoder().decode([String: String].self, from: Data(line.utf8))["a"] ?? ""
    }
    #expect(read.map { Array($0.utf8) } == Self.hostile.map { Array($0.utf8) })
  }

  @Test func markdownIsText() {
    let table = ResultTable(
      columns: ["c"],
      rows: ["|\u{301} `x` <b> & [l](http://x) www.x a@b n_correct _i_ \\ ~ *"].map { [.text($0)] })
    #expect(
      TableFormat.markdown.render(table) == """
        | c |
        | --- |
        | \\|\u{301} \\`x\\` &lt;b&gt; &amp; \\[l\\](http\\://x) www\\.x a@<!-- -->b n_correct \\_i\\_ \
        \\\\ \\~ \\* |

        """)
    let pipes = TableFormat.markdown.render(Self.table).split(separator: "\n").map { line in
      let scalars = Array(line.unicodeScalars)
      return scalars.indices.count { i in
        scalars[i] == "|" && scalars[..<i].reversed().prefix { $0 == "\\" }.count % 2 == 0
      }
    }
    #expect(pipes.allSatisfy { $0 == Self.hostile.count + 1 })
  }

  /// An accent does not take a backslash from LaTeX.
  @Test func latexHasNoCommandsOfOthers() {
    let scalars = Array(TableFormat.latex("\\\u{301}input{x}").unicodeScalars)
    #expect(String(scalars.map { Character($0) }) == "\\textbackslash{}\u{301}input\\{x\\}")
    // The signs of tables, by the names that they are pictures of.
    #expect(TableFormat.latex("a\nb\u{1B}\u{7F}") == "a\\textsc{lf}b\\textsc{esc}\\textsc{del}")
    #expect(TableFormat.latex("\u{202E}") == "\\textbackslash{}u\\{202E\\}")
  }

  /// Nothing leaves its element or attribute.
  @Test func htmlIsText() {
    let rows = Self.hostile.map { text -> [Cell] in
      [
        .text("01A\(text)"), .text(text), .text("finished"), .text("dc"), .null, .text(text),
        .text(text), .text(text), .null, .null, .null, .null, .integer(1), .integer(1), .real(1),
        .real(0.2), .real(1), .real(1), .real(0), .real(1), .null, .null,
      ]
    }
    let runs = ResultTable(
      columns: [
        "id", "name", "status", "classifier", "lm", "strategy", "grid", "weights", "attack", "norm",
        "epsilon", "inputs_run", "images", "n_done", "accuracy", "accuracy_low", "accuracy_high",
        "nfe_per_image", "gradients_per_image", "seconds_per_image", "replay_of", "started_at",
      ], rows: rows)
    var report = HTMLReport(
      database: Self.hostile.joined(), versions: "1", runs: runs,
      provenance: ResultTable(columns: ["id"], rows: []))
    report.plots = [.text(Self.hostile)]
    let scalars = report.html.unicodeScalars.filter { $0 != "\n" }
    #expect(!scalars.contains(where: isUnseen))
    let accents = scalars.indices.dropFirst().filter { scalars[$0].value == 0x301 }
    #expect(!accents.isEmpty)
    #expect(
      accents.allSatisfy { !"\"<>&'".unicodeScalars.contains(scalars[scalars.index(before: $0)]) })
    #expect(!report.html.contains("<b>&") && !report.html.contains("onmouseover=\""))
  }

  /// Fields as RFC 4180 reads them.
  private static func parse(csv: String) -> [[String]] {
    var rows: [[String]] = [[]]
    var field = String.UnicodeScalarView()
    var (isQuoted, wasQuote) = (false, false)
    for scalar in csv.unicodeScalars {
      switch scalar {
      case "\"":
        if !isQuoted, wasQuote { field.append(scalar) }
        isQuoted.toggle()
        wasQuote = !isQuoted
        continue
      case "," where !isQuoted:
        rows[rows.count - 1].append(String(field))
        field.removeAll()
      case "\n" where !isQuoted:
        rows[rows.count - 1].append(String(field))
        field.removeAll()
        rows.append([])
      default: field.append(scalar)
      }
      wasQuote = false
    }
    return rows.dropLast()
  }
}
