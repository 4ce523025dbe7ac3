import Pages
import Testing

@Suite struct DoorTests {
  @Test func onlyNamesOfThisMachineAreAnswered() throws {
    let sites = try Sites(runs: 0)
    for host in ["127.0.0.1:8642", "localhost:8642", "LOCALHOST:8642", "[::1]:8642"] {
      #expect(try sites.get("/", ["Host": host]).status == 200, "\(host)")
    }
    for host in [
      "evil.example", "evil.example:8642", "127.0.0.1", "127.0.0.1:80",
      "127.0.0.1.evil.example:8642", "",
    ] {
      let answer = try sites.get("/", ["Host": host])
      #expect(answer.status == 421, "\(host)")
      #expect(!answer.text.contains("Elbow"))
    }
    #expect(sites.site.answer(Request("GET", [])).status == 421)
  }

  @Test func nothingCanBeChanged() throws {
    let sites = try Sites(runs: 0)
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"] {
      let answer = try sites.get("/", method: method)
      #expect(answer.status == 405, "\(method)")
      #expect(answer["Allow"] == "GET, HEAD")
    }
    #expect(try sites.get("/", method: "HEAD").status == 200)
  }

  @Test func pagesOfOthersReadNothing() throws {
    let sites = try Sites(runs: 1)
    let foreign = [
      "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script",
    ]
    #expect(try sites.get("/api/v1/runs", foreign).status == 403)
    #expect(try sites.get("/api/v1/runs", ["Origin": "http://evil.example"]).status == 403)
    #expect(try sites.get("/api/v1/runs", ["Origin": "null"]).status == 403)
    #expect(try sites.get("/api/v1/runs", ["Origin": "http://127.0.0.1:8642"]).status == 200)
    let frame = [
      "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe",
    ]
    #expect(try sites.get("/", frame).status == 403)
    let visit = [
      "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
    ]
    #expect(try sites.get("/", visit).status == 200)
    #expect(try sites.get("/api/v1/runs")["Access-Control-Allow-Origin"] == nil)
  }

  @Test func everyAnswerIsGuarded() throws {
    let sites = try Sites(runs: 1)
    for address in ["/", "/page.js", "/api/v1/runs", "/nowhere", "/?where=("] {
      let answer = try sites.get(address)
      let policy = try #require(answer["Content-Security-Policy"])
      #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
      #expect(answer["X-Content-Type-Options"] == "nosniff")
      #expect(answer["Cross-Origin-Resource-Policy"] == "same-origin")
    }
  }

  @Test func aTokenIsAskedFor() throws {
    let sites = try Sites(runs: 0, token: "open sesame")
    #expect(try sites.get("/").status == 401)
    #expect(try sites.get("/page.css").status == 401)
    #expect(try sites.get("/?token=open+barley").status == 401)
    #expect(try sites.get("/", ["Authorization": "Bearer open sesame"]).status == 200)
    #expect(try sites.get("/", ["Authorization": "Bearer open"]).status == 401)
    let moved = try sites.get("/front?token=open+sesame&all=true")
    #expect(moved.status == 302)
    #expect(moved["Location"] == "/front?all=true")
    let cookie = try #require(moved["Set-Cookie"])
    #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
    let shown = String(cookie.prefix { $0 != ";" })
    #expect(try sites.get("/", ["Cookie": "a=b; \(shown)"]).status == 200)
  }

  /// No path from outside reaches a file.
  @Test func pathsAreNoFiles() throws {
    let sites = try Sites(runs: 1)
    for path in [
      "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd",
      "/Assets/page.css",
      "/page.css%00.png", "/runs/..%2f..%2fetc%2fpasswd",
      "/runs/@last/images/10/..%2f..%2fetc%2fpasswd",
      "/runs.db",
    ] {
      let answer = try? sites.get(path)
      #expect(answer.map { [400, 404].contains($0.status) } ?? true, "\(path)")
      #expect(!(answer?.text.contains("root:") ?? false), "\(path)")
    }
  }
}
