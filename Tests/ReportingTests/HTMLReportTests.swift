import Basics
import Records
import Reporting
import Statistics
import Testing

@Suite struct HTMLReportTests {
  private static let id = "01ABCDEFGHJKMNPQRSTVWXYZ01"

  private static var report: HTMLReport {
    let run: [(String, Cell)] = [
      ("id", .text(id)), ("name", .text("a <b> & \"c\"")), ("status", .text("finished")),
      ("classifier", .text("rdc")), ("lm", .text("paper")), ("strategy", .text("uniform:5")),
      ("grid", .text("linear:0.05:3:20")), ("weights", .text("snr")), ("attack", .null),
      ("norm", .null), ("epsilon", .null), ("images", .integer(10)), ("n_done", .integer(10)),
      ("n_correct", .integer(6)), ("accuracy", .real(0.6)), ("accuracy_low", .real(0.25)),
      ("accuracy_high", .real(0.75)), ("nfe_per_image", .real(55)),
      ("gradients_per_image", .real(5)), ("seconds_per_image", .real(0.0642)),
      ("inputs_run", .null), ("replay_of", .null), ("started_at", .text("2001-02-03T04:05:06Z")),
    ]
    let origin: [(String, Cell)] = [
      ("id", .text(id)), ("started_at", .text("2001-02-03T04:05:06Z")),
      ("git_commit", .text("0123456789abcdef")), ("git_dirty", .integer(1)),
      ("diff_sha256", .text("fedcba9876543210")), ("elbow_version", .text("0.1")),
      ("sqlite_version", .text("3.40")), ("model", .text("/m/small.safetensors")),
      ("model_sha256", .text("aaaabbbbccccdddd")), ("fingerprint", .text("eeeeffff00001111")),
      ("host", .text("h")), ("cpu", .text("cpu")), ("threads", .integer(2)),
      ("blas", .text("b")), ("instruction_set", .text("v4")),
      ("argv", .text("[\"/x/elbow\",\"run\",\"--name\",\"a <b>\"]")),
    ]
    var report = HTMLReport(
      database: "x.db", versions: "Elbow 0.1, SQLite 3.40",
      runs: ResultTable(columns: run.map(\.0), rows: [run.map(\.1)]),
      provenance: ResultTable(columns: origin.map(\.0), rows: [origin.map(\.1)]))
    report.plots = [
      .svg(
        "<?xml version=\"1.0\"?>\n<svg viewBox=\"0 0 1 1\"><rect fill=\"#ffffff\"/>"
          + "<path stroke='black'/></svg>"), .text(["a < b"]),
    ]
    report.comparisons = [
      .init(
        title: "10 images", labels: ["one", "two"],
        pairs: [PairedCounts(both: 5, b: 1, c: 3, neither: 1)])
    ]
    let cells = ResultTable(
      columns: ["label", "predicted", "n"],
      rows: [
        [.integer(0), .integer(0), .integer(4)], [.integer(1), .integer(0), .integer(1)],
      ])
    report.confusions = [("one", Figure(confusion: cells, classes: ["cat", "dog"], run: id))]
    return report
  }

  @Test func nothingComesFromElsewhere() {
    let html = Self.report.html
    for part in ["<script", "<link", "<img", "src=", "@import", "url(", "href="] {
      #expect(!html.contains(part), "\(part)")
    }
    #expect(html.hasPrefix("<!DOCTYPE html>\n") && html.hasSuffix("</html>\n"))
    #expect(html.contains("prefers-color-scheme:dark"))
  }

  @Test func whatItShows() {
    let html = Self.report.html
    for part in [
      "<h1>1 run of x.db</h1>", "60.0 (25.0–75.0)", "M40.0 6H120.0", "cx=\"96.0\"",
      "<code title=\"\(Self.id)\">01ABCDEFGH</code>",
      "<td>two</td><td class=\"n\">10</td><td class=\"n\">+20.0</td>", "<pre>a &lt; b</pre>",
      "a &lt;b&gt; &amp; &quot;c&quot;", "elbow run --name &#39;a &lt;b&gt;&#39;",
      "<code title=\"0123456789abcdef\">0123456789ab</code> with uncommitted changes "
        + "<code>fedcba987654</code>", "small <code title=\"aaaabbbbccccdddd\">aaaabbbbcccc</code>",
      "0.1, SQLite 3.40", "<summary>one</summary>",
      "<tr><th>dog</th><td style=\"background:rgb(0 114 178/0.50)\">1</td><td></td></tr>",
    ] {
      #expect(html.contains(part), "\(part)")
    }
    #expect(!html.contains("<b>\""))
  }

  /// The plot takes the page's colours.
  @Test func plotsAreReadableInTheDark() {
    let html = Self.report.html
    #expect(
      html.contains(
        "<figure><svg viewBox=\"0 0 1 1\"><rect fill=\"none\"/><path stroke='currentColor'/></svg>"
      ))
    #expect(!html.contains("<?xml"))
  }
}
