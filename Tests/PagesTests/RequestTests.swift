import Pages
import Testing

@Suite struct RequestTests {
  private func refusal(_ text: String) -> Request.Refusal? {
    do throws(Request.Refusal) {
      _ = try Request(head: Array(text.utf8))
      return nil
    } catch { return error }
  }

  @Test func headsAreRead() throws {
    let request = try Request(
      head: Array(
        "GET /runs/a%20b/?where=x+%3E+1&run=a&run=b&empty= HTTP/1.1\r\nHost: here\r\nX-A:  b \r\nx-a: c"
          .utf8))
    #expect(request.path == ["runs", "a b"])
    #expect(request.query["where"] == "x > 1")
    #expect(request.query.all("run") == ["a", "b"])
    #expect(request.query["empty"] == nil)
    #expect(request.headers == ["host": "here", "x-a": "b, c"])
    #expect(request.query.encoded == "?where=x%20%3E%201&run=a&run=b")
  }

  @Test(
    arguments: [
      ("", .malformed), ("GET", .malformed), ("GET / HTTP/1.1 x", .malformed),
      ("get / HTTP/1.1", .malformed), ("GET http://a/ HTTP/1.1", .malformed),
      ("GET * HTTP/1.1", .malformed), ("GET / HTTP/2", .version), ("GET / FTP/1.1", .version),
      ("GET /%zz HTTP/1.1", .malformed), ("GET /%ff HTTP/1.1", .malformed),
      ("GET /?a=%ff HTTP/1.1", .malformed), ("GET //evil.example HTTP/1.1", .malformed),
      ("GET / HTTP/1.1\r\nHost", .malformed), ("GET / HTTP/1.1\r\nHo st: a", .malformed),
      ("GET / HTTP/1.1\r\nHost: a\r\n folded", .malformed),
      ("GET / HTTP/1.1\r\nHost: a\r\nHost: b", .malformed),
      ("GET / HTTP/1.1\r\nContent-Length: 1", .body),
      ("GET / HTTP/1.1\r\nContent-Length: -1", .body),
      ("GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0", .malformed),
      ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked", .body),
      ("GET / HTTP/1.1\r\nHost: a\u{0}b", .malformed),
    ] as [(String, Request.Refusal)])
  func whatIsOutOfFormIsRefused(text: String, refusal: Request.Refusal) {
    #expect(self.refusal(text) == refusal, "\(text)")
  }
}
