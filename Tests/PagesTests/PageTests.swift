import Foundation
import Pages
import Testing

@Suite struct PageTests {
  /// Pages that are there whatever is recorded.
  private static let fixed = [
    "/", "/front", "/compare", "/robustness", "/replay", "/sweeps", "/trainings", "/api",
  ]

  private static func ofRuns(_ runs: [String]) -> [String] {
    [
      "/runs/\(runs[0])", "/runs/@last", "/runs/\(runs[0])/images", "/runs/\(runs[0])/images/10",
      "/runs/\(runs[0])/images?where=correct+%3D+0", "/compare?run=\(runs[0])&run=\(runs[1])",
      "/compare?run=\(runs[0])", "/?where=accuracy+%3E+10%25", "/?sort=-accuracy&page=1",
      "/?columns=id,name,accuracy", "/?group-by=classifier&over=seed", "/front?all=true&within=5",
      "/front?budget=50nfe", "/front?budget=50", "/front?axes=gradients,accuracy",
      "/robustness?where=norm+%3D+'linf'",
    ]
  }

  @Test(arguments: fixed)
  func pagesOfNothingSayThatThereIsNothing(address: String) throws {
    let sites = try Sites(runs: 0)
    let page = try sites.get(address)
    #expect(page.status == 200, "\(page.text)")
    #expect(page.text.contains("class=\"none\"") || address == "/api")
  }

  @Test func everyPageAnswers() throws {
    let sites = try Sites()
    for address in Self.fixed + Self.ofRuns(sites.runs) {
      let page = try sites.get(address)
      #expect(page.status == 200, "\(address): \(page.text)")
      #expect(page["Content-Type"] == "text/html; charset=utf-8")
      #expect(page.text.hasPrefix("<!DOCTYPE html>"))
      #expect(try Markup(page.text).problem == nil, "\(address)")
    }
  }

  /// Links and pictures of every page lead to something.
  @Test func noLinkIsDead() throws {
    let sites = try Sites()
    var (seen, open): (Set<String>, [String]) = ([], Self.fixed + Self.ofRuns(sites.runs))
    while let address = open.popLast() {
      guard seen.insert(address).inserted, seen.count < 400 else { continue }
      let page = try sites.get(address)
      #expect(page.status == 200, "\(address): \(page.text)")
      guard page["Content-Type"]?.hasPrefix("text/html") == true else { continue }
      // The images of these runs are of no dataset, so that there are no pictures of them, nor a network.
      open += try Markup(page.text).links.filter { link in
        link.hasPrefix("/") && ![".png", "/errors"].contains(where: link.hasSuffix)
      }
    }
    #expect(seen.count > 40)
  }

  @Test func namesOfOthersAreNoMarkup() throws {
    let sites = try Sites(name: hostile)
    let encoded = try #require(hostile.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
    let addresses =
      Self.fixed + Self.ofRuns(sites.runs)
      + [
        "/?where=\(encoded)", "/runs/\(encoded)", "/\(encoded)", "/front?where=\(encoded)",
        "/?columns=\(encoded)", "/replay?run=\(sites.runs[0])&strategy=\(encoded)",
      ]
    for address in addresses {
      let page = try sites.get(address)
      #expect(page.status < 500, "\(address)")
      #expect(!page.text.contains("<script>alert"), "\(address)")
      #expect(!page.text.contains("<img src=x"), "\(address)")
      #expect(!page.text.contains("\u{202E}"), "\(address)")
      #expect(try Markup(page.text).problem == nil, "\(address)")
      #expect(page.headers.allSatisfy { !$0.value.contains("alert") }, "\(address)")
    }
    #expect(try sites.get("/").text.contains("&lt;script&gt;alert(1)"))
  }

  @Test func mistakesAreSaidInPlace() throws {
    let sites = try Sites()
    let page = try sites.get("/?where=acuracy+%3E+1")
    #expect(page.status == 400)
    #expect(page.text.contains("aria-describedby=\"problem\""))
    #expect(page.text.contains("did you mean &#39;accuracy&#39;?"))
    #expect(page.text.contains("value=\"acuracy &gt; 1\""))
    #expect(try sites.get("/runs/nowhere").status == 404)
    #expect(try sites.get("/nowhere").status == 404)
    #expect(try sites.get("/?wher=x").text.contains("did you mean &#39;where&#39;?"))
    #expect(try sites.get("/runs/\(sites.runs[0])/images/99").status == 404)
    #expect(try sites.get("/?page=0").status == 400)
    #expect(try sites.get("/front?budget=50potatoes").status == 400)
    #expect(try sites.get("/replay?run=\(sites.runs[0])&family=first&count=9").status == 400)
  }

  /// Every page names a command, and what programs ask in its place.
  @Test func pagesNameTheirCommand() throws {
    let sites = try Sites()
    let page = try sites.get("/?where=accuracy+%3E+0.5&sort=-accuracy")
    #expect(page.text.contains("elbow runs --where &#39;accuracy &gt; 0.5&#39; --sort -accuracy"))
    #expect(page.text.contains("/api/v1/runs.csv?where="))
    #expect(try sites.get("/runs/@last").text.contains("elbow show \(sites.runs[1])"))
  }

  /// Runs under way are looked at again, with the script and without; lists when the file changes.
  @Test func whatGoesOnIsRefreshed() throws {
    let sites = try Sites()
    #expect(!(try sites.get("/runs/@last").text.contains("data-refresh")))
    let list = try sites.get("/").text
    #expect(list.contains("data-refresh=\"2000\"") && !list.contains("data-live>"))
    #expect(!(try sites.get("/?where=nonsense").text.contains("data-refresh")))
    let before = try sites.get("/api/v1/state").text
    #expect(try sites.get("/api/v1/state").text == before)
    try sites.execute(
      """
      UPDATE run SET status = 'running', finished_at = NULL WHERE id = ?;
      UPDATE session SET heartbeat_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE run_id = ?
      """, [sites.runs[1], sites.runs[1]])
    #expect(try sites.get("/api/v1/state").text != before)
    for address in ["/runs/@last", "/", "/sweeps"] {
      let page = try sites.get(address).text
      #expect(page.contains("data-refresh=\"2000\" data-live>"), "\(address)")
      #expect(page.contains("<noscript><meta http-equiv=\"refresh\""), "\(address)")
    }
  }

  /// What was changed in the code since its commit, escaped, and cut where it is long.
  @Test func changesOfTheCodeAreShown() throws {
    let sites = try Sites()
    try sites.execute("UPDATE session SET git_dirty = 0, diff_sha256 = NULL")
    #expect(!(try sites.get("/runs/@last").text.contains("Changes of the code")))
    let lines = ["diff --git a/a b/a", "@@ -1 +1,2000 @@", "-\tgone", "+\(hostile)"]
    let long = [String](repeating: "+more", count: 2000)
    try sites.execute(
      "INSERT INTO code_diff VALUES ('x', ?)", [(lines + long).joined(separator: "\n")])
    try sites.execute("UPDATE session SET git_commit = 'c0ffee', git_dirty = 1, diff_sha256 = 'x'")
    let page = try sites.get("/runs/@last").text
    #expect(page.contains("1 file, 2001 lines added, 1 removed since <code>c0ffee</code>"))
    #expect(page.contains("<del>-    gone</del>"))
    #expect(page.contains("<ins>+&lt;script&gt;") && !page.contains("<script>alert"))
    #expect(page.contains("The first 1000 of 2004 lines."))
    #expect(page.components(separatedBy: "<ins>").count == 998)
    #expect(page.contains("elbow show \(sites.runs[1]) --diff"))
    #expect(try Markup(page).problem == nil)
    let data = try sites.get("/api/v1/runs/@last/changes.csv")
    #expect(
      data.status == 200
        && data.text.hasPrefix("number,git_commit,diff_sha256,bytes,diff\n0,c0ffee,x,"))
  }

  /// An interval stands with the method that gave it.
  @Test func comparisonsNameTheirMethod() throws {
    let sites = try Sites(runs: 3)
    let pair = try sites.get("/compare?run=\(sites.runs[0])&run=\(sites.runs[1])").text
    #expect(pair.contains("(Bonett–Price)") && pair.contains("McNemar"))
    #expect(pair.contains("paired bootstrap, percentiles of 10000 resamples: "))
    let several = sites.runs.map { "run=\($0)" }.joined(separator: "&")
    #expect(try sites.get("/compare?\(several)").text.contains("(95 %: Bonett–Price;"))
  }

  /// What takes its time is kept as long as the file is the same, and a mistake is said to all who ask.
  @Test func dearAnswersFollowTheFile() throws {
    let sites = try Sites()
    let browser = ["Sec-Fetch-Dest": "document"]
    let before = try sites.get("/front?all=true").text
    #expect(try sites.get("/front?all=true", browser).text == before)
    try sites.execute("UPDATE run SET name = 'renamed'")
    #expect(try sites.get("/front?all=true", browser).text.contains("renamed"))
    for _ in 0..<2 {
      let wrong = try sites.get("/robustness?where=acuracy+%3E+1", browser)
      #expect(wrong.status == 400 && wrong.text.contains("did you mean"), "\(wrong.text)")
    }
    #expect(try sites.get("/api/v1/robustness?where=acuracy+%3E+1").status == 400)
  }

  /// Runs without a network have no error maps, and their page says so.
  @Test func errorMapsThatCannotBeMadeAreExplained() throws {
    let sites = try Sites()
    let page = try sites.get("/runs/@last/images/10/errors")
    #expect((400..<500).contains(page.status), "\(page.text)")
    #expect(page.text.contains("<div id=\"answer\" aria-live=\"polite\"><p class=\"problem\""))
    #expect(try Markup(page.text).problem == nil)
    for query in ["sigma=0", "sigma=-1", "sigma=a", "sigma=0.1,,1", "sigma=nan", "sigma=1e999"] {
      let answer = try sites.get("/api/v1/runs/@last/images/10/errors?\(query)")
      #expect(answer.status == 400 && answer.text.contains("sigma"), "\(query): \(answer.text)")
    }
    let many = [String](repeating: "1", count: 7).joined(separator: ",")
    #expect(
      try sites.get("/api/v1/runs/@last/images/10/errors?sigma=\(many)").text
        .contains("1 to 6 noise levels"))
    #expect(try sites.get("/runs/@last/images/10/errors/third.png").status == 404)
  }
}
