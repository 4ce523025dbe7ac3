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
      // The images of these runs are of no dataset, so that there are no pictures of them.
      open += try Markup(page.text).links.filter { !$0.hasSuffix(".png") && $0.hasPrefix("/") }
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

  /// Runs under way are looked at again, with the script and without.
  @Test func whatGoesOnIsRefreshed() throws {
    let sites = try Sites()
    #expect(!(try sites.get("/runs/@last").text.contains("data-refresh")))
  }
}
