import Basics
import Foundation

/// A tracking server of MLflow, by its REST interface.
///
/// **Source** mlflow.org/docs/latest/rest-api.html
package struct MLflowServer {
  /// As given, without a slash at its end.
  package let address: String
  private let curl: Curl

  /// A server.
  ///
  /// Name and password, or a token, come from the environment as MLflow's own client takes them:
  /// `MLFLOW_TRACKING_USERNAME` with `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`; so do
  /// `MLFLOW_TRACKING_INSECURE_TLS`, `MLFLOW_TRACKING_SERVER_CERT_PATH`,
  /// `MLFLOW_TRACKING_CLIENT_CERT_PATH` and `MLFLOW_HTTP_REQUEST_TIMEOUT`, seconds.
  ///
  /// - Throws: `ElbowError` for what is no address, one with a password in it, and without curl.
  package init(
    _ address: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    guard Self.isAddress(address), let parts = URLComponents(string: address),
      let host = parts.host, !host.isEmpty
    else {
      throw ElbowError(
        .malformed, "'\(address)' is no address of a server, as http://127.0.0.1:5000")
    }
    guard parts.password == nil, parts.user == nil else {
      throw ElbowError(
        .malformed,
        "the address of \(host) has a name or password in it, which other users of this machine can "
          + "see; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead")
    }
    guard parts.query == nil, parts.fragment == nil else {
      throw ElbowError(.malformed, "'\(address)': leave out what stands behind ? and #")
    }
    self.address = String(address.reversed().drop { $0 == "/" }.reversed())
    curl = try Curl(environment, options: Self.options(environment))
  }

  /// Whether a text is a server's address, and no path.
  package static func isAddress(_ text: String) -> Bool {
    ["http://", "https://"].contains(where: text.lowercased().hasPrefix)
  }

  private static func options(_ environment: [String: String]) -> [String] {
    func value(_ name: String) -> String? {
      environment["MLFLOW_\(name)"].flatMap { $0.isEmpty ? nil : $0 }
    }
    let timeout = value("HTTP_REQUEST_TIMEOUT").flatMap { Double($0) } ?? 120
    var options = [
      "connect-timeout = 10", "max-time = \(min(max(timeout, 0.1), 86400))",
      // Long bodies are not asked about first.
      #"header = "Expect:""#,
    ]
    if let user = value("TRACKING_USERNAME") {
      options.append("user = \(Curl.quoted("\(user):\(value("TRACKING_PASSWORD") ?? "")"))")
    } else if let token = value("TRACKING_TOKEN") {
      options.append("header = \(Curl.quoted("Authorization: Bearer \(token)"))")
    }
    if value("TRACKING_INSECURE_TLS") == "true" { options.append("insecure") }
    for (name, option) in [
      ("TRACKING_SERVER_CERT_PATH", "cacert"), ("TRACKING_CLIENT_CERT_PATH", "cert"),
    ] {
      if let path = value(name) { options.append("\(option) = \(Curl.quoted(path))") }
    }
    return options
  }

  // MARK: Requests

  /// What is asked of the server.
  struct Call {
    /// Below `/api/2.0/`, as `mlflow/runs/search`.
    var path: String
    var method = "POST"
    var query: [(name: String, value: String)] = []
    var body: (data: Data, type: String)?

    /// What changes or searches: a JSON object.
    init(_ path: String, _ members: [String: JSONValue]) {
      self.path = "mlflow/" + path
      body = (Data(JSONValue.object(members).canonical.utf8), "application/json")
    }

    /// What only reads.
    init(reading path: String, _ query: [(name: String, value: String)]) {
      (self.path, method, self.query) = ("mlflow/" + path, "GET", query)
    }

    /// A file that is put where `path` says.
    init(putting data: Data, type: String, at path: String) {
      (self.path, method, body) = (path, "PUT", (data, type))
    }
  }

  /// What the server answers to calls, in their order.
  ///
  /// - Parameter reads: they change nothing.
  /// - Throws: `ElbowError` with what the server said where one failed.
  func answers(_ calls: [Call], reads: Bool = false) throws -> [JSONValue] {
    let responses = try curl.send(
      calls.map { call in
        let query = call.query.map { "\($0.name)=\(Self.escaped($0.value))" }
          .joined(separator: "&")
        let path = call.path.split(separator: "/", omittingEmptySubsequences: false)
          .map { Self.escaped(String($0)) }.joined(separator: "/")
        return Curl.Request(
          method: call.method,
          address: "\(address)/api/2.0/\(path)" + (query.isEmpty ? "" : "?\(query)"),
          body: call.body)
      }, reads: reads)
    return try zip(calls, responses).map { call, response in
      if 200..<300 ~= response.status { return try json(response, call) }
      throw failure(response, call)
    }
  }

  /// The answer to one call; nil: there is no such thing.
  func answer(_ call: Call, reads: Bool = false) throws -> JSONValue? {
    do { return try answers([call], reads: reads).first } catch let error as ElbowError
      where error.code == .unknownName
    {
      return nil
    }
  }

  private static func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }

  private func json(_ response: Curl.Response, _ call: Call) throws -> JSONValue {
    if response.body.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) {
      return .object([:])
    }
    var bytes = [UInt8](response.body)
    // What reads numbers wants a byte behind them.
    bytes.append(0x0A)
    let value = bytes.withUnsafeBufferPointer {
      try? JSONValue(lenient: UnsafeBufferPointer(rebasing: $0.dropLast()))
    }
    guard let value, case .object = value else {
      throw ElbowError(
        .damaged,
        "\(address): is no tracking server of MLflow: \(call.path) answers with '\(start(response))'"
      )
    }
    return value
  }

  private func start(_ response: Curl.Response) -> String {
    String(decoding: response.body.prefix(100), as: UTF8.self)
      .split(whereSeparator: \.isNewline).joined(separator: " ").trimmed
  }

  private func failure(_ response: Curl.Response, _ call: Call) -> ElbowError {
    guard response.status != 0 else {
      return ElbowError(
        .inaccessible,
        "\(address): cannot be reached: \(response.message.isEmpty ? "no answer" : response.message)"
      )
    }
    let said = try? JSONDecoder().decode(JSONValue.self, from: response.body)
    let message = said?["message"].text ?? start(response)
    let advice =
      [401, 403].contains(response.status)
      ? "; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN" : ""
    let isMissing = said?["error_code"].text == "RESOURCE_DOES_NOT_EXIST"
    return ElbowError(
      isMissing ? .unknownName : .inaccessible,
      "\(address): \(call.path) failed with status \(response.status): \(message)\(advice)")
  }

  // MARK: Pages

  /// Things of a page.
  static let page = 1000

  /// All that a search finds, page by page.
  ///
  /// - Parameters:
  ///   - path: as `runs/search`.
  ///   - members: what is searched for.
  ///   - key: of the things in an answer.
  func all(_ path: String, _ members: [String: JSONValue], _ key: String) throws -> [JSONValue] {
    var found: [JSONValue] = []
    var token: String?
    repeat {
      var members = members
      members["max_results"] = .number(Double(Self.page))
      members["page_token"] = token.map { .string($0) }
      let answer = try answers([Call(path, members)], reads: true)[0]
      found += answer[key].items
      let next = answer["next_page_token"].text
      // A server that gives the same page for ever is not waited for.
      token = next == token ? nil : next
    } while token != nil
    return found
  }
}
