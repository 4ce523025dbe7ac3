import Basics

/// What a client is answered.
package struct Response: Hashable, Sendable {
  /// As 200.
  package var status: Int
  /// Fields besides length and connection, which `bytes` writes.
  package var headers: [Field]
  /// Its content.
  package var body: [UInt8]

  /// One field of the head.
  package struct Field: Hashable, Sendable {
    /// Both as they are written.
    package var name, value: String
  }

  /// The response as given.
  ///
  /// - Parameters:
  ///   - status: as 200.
  ///   - type: the content's media type.
  ///   - body: the content.
  package init(_ status: Int = 200, type: String, _ body: [UInt8]) {
    (self.status, self.body) = (status, body)
    headers = [Field(name: "Content-Type", value: type)]
  }

  /// A text.
  package init(_ status: Int = 200, type: String = "text/plain; charset=utf-8", _ text: String) {
    self.init(status, type: type, Array(text.utf8))
  }

  /// What is said to a refused request.
  package init(_ refusal: Request.Refusal) {
    self.init(refusal.rawValue, "\(refusal.rawValue) \(Self.reason(refusal.rawValue))\n")
  }

  /// With another field.
  package func with(_ name: String, _ value: String) -> Response {
    var response = self
    response.headers.append(Field(name: name, value: value))
    return response
  }

  /// The value of a field.
  package subscript(name: String) -> String? { headers.first { $0.name == name }?.value }

  /// What goes over the wire.
  ///
  /// - Parameter hasBody: false for the answer to `HEAD`, which names the length all the same.
  func bytes(hasBody: Bool) -> [UInt8] {
    let fields =
      headers.map { ($0.name, $0.value) }
      + (status == 304 ? [] : [("Content-Length", "\(body.count)")]) + [("Connection", "close")]
    let head =
      "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
      // Nothing that was put into a value ends its line.
      + fields.map { "\($0): \($1.filter { !$0.isNewline })\r\n" }.joined() + "\r\n"
    return Array(head.utf8) + (hasBody && status != 304 ? body : [])
  }

  private static func reason(_ status: Int) -> String { reasons[status] ?? "Error" }

  private static let reasons = [
    200: "OK", 302: "Found", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large", 421: "Misdirected Request",
    431: "Request Header Fields Too Large", 500: "Internal Server Error",
    503: "Service Unavailable", 505: "HTTP Version Not Supported",
  ]
}
