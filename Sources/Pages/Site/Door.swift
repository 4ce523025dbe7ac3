import Basics

/// Who may come in: who calls the server by a name of its own, with the token where there is one.
///
/// A page of somebody else's in the same browser can send requests here, and a name of somebody else's
/// can be made to lead here; neither gets an answer.
package struct Door: Sendable {
  /// What `Host` may be; nil: anything, where a token guards.
  private let hosts: Set<String>?
  private let token: String?

  /// Names of this machine that only it can mean.
  private static let local = ["127.0.0.1", "localhost", "[::1]"]
  private static let cookie = "elbow-token"

  /// The door of a server.
  ///
  /// - Parameters:
  ///   - host: what it listens at; nil: at this machine alone.
  ///   - port: where it listens.
  ///   - token: what callers must know; nil: nothing.
  package init(host: String? = nil, port: Int, token: String? = nil) {
    self.token = token
    let isAnywhere = ["0.0.0.0", "::"].contains(host)
    let names = Self.local + [host.map { $0.contains(":") ? "[\($0)]" : $0 }].compactMap(\.self)
    hosts =
      isAnywhere && token != nil
      ? nil : Set(names.flatMap { ["\($0.lowercased()):\(port)"] + (port == 80 ? [$0] : []) })
  }

  /// What is said to who may not come in; nil: welcome.
  func refusal(of request: Request) -> Response? {
    guard let host = request.headers["host"]?.lowercased(), hosts?.contains(host) ?? true else {
      return Response(421, "This server does not go by that name.\n")
    }
    guard ["GET", "HEAD"].contains(request.method) else {
      return Response(405, "Only GET and HEAD: nothing here can be changed.\n")
        .with("Allow", "GET, HEAD")
    }
    // Who came by a link elsewhere reads a page; anything else is fetched by somebody else's page.
    let isForeign = ["cross-site", "same-site"].contains(request.headers["sec-fetch-site"])
    let isVisit =
      request.headers["sec-fetch-mode"] == "navigate"
      && request.headers["sec-fetch-dest"] == "document"
    let origin = request.headers["origin"]
    guard !isForeign || isVisit, origin == nil || origin == "http://\(host)" else {
      return Response(403, "Pages of others are not answered.\n")
    }
    return token.flatMap { unknown($0, request) }
  }

  /// What is said to who does not show the token, or shows it in the address, whence it is moved into
  /// a cookie.
  private func unknown(_ token: String, _ request: Request) -> Response? {
    if let shown = request.query["token"], Self.isEqual(shown, token) {
      let path = request.path.map(Query.encoded).joined(separator: "/")
      return Response(302, "")
        .with("Location", "/" + path + request.query.with(["token": nil]).encoded)
        .with(
          "Set-Cookie", "\(Self.cookie)=\(Query.encoded(token)); Path=/; HttpOnly; SameSite=Strict")
    }
    let cookies = (request.headers["cookie"] ?? "").split(separator: ";").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    let shown =
      [
        request.headers["authorization"].flatMap {
          $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil
        }
      ]
      .compactMap(\.self)
      + cookies.filter { $0.hasPrefix(Self.cookie + "=") }
      .compactMap { String($0.dropFirst(Self.cookie.count + 1)).removingPercentEncoding }
    guard !shown.contains(where: { Self.isEqual($0, token) }) else { return nil }
    return Response(
      401, "Open the address with ?token=…, or send 'Authorization: Bearer …'.\n"
    ).with("WWW-Authenticate", "Bearer")
  }

  /// Whether two texts are the same, in a time that does not tell where they differ.
  private static func isEqual(_ a: String, _ b: String) -> Bool {
    let (a, b) = (SHA256.hexDigest(of: a), SHA256.hexDigest(of: b))
    return zip(a.utf8, b.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
