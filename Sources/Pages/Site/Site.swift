import Basics
import Foundation
import Reporting

/// What is answered to a request: a function of it and of the database.
package struct Site: Sendable {
  private let archive: Archive
  private let door: Door

  /// The pages of a database.
  ///
  /// - Parameters:
  ///   - archive: the database.
  ///   - door: who may come in.
  package init(_ archive: Archive, door: Door) { (self.archive, self.door) = (archive, door) }

  /// The answer to a request; errors are answers too.
  package func answer(_ request: Request) -> Response {
    let response =
      door.refusal(of: request) ?? Assets.response(request.path) ?? routed(request)
    return Self.guarded(Self.tagged(response, request))
  }

  private func routed(_ request: Request) -> Response {
    let isAPI = request.path.first == "api" && request.path.count > 1
    do {
      let found = try Self.route(request)
      return try archive.reading { store in
        let call = Call(
          request: request, values: found.values, store: store, archive: archive,
          times: TimeDisplay(now: Date(), zone: .current))
        try Self.check(request.query, found.route, isCSV: found.isCSV)
        return try respond(found.route, call, isCSV: found.isCSV)
      }
    } catch {
      let error = error as? ElbowError ?? ElbowError(.inaccessible, "\(error)")
      return isAPI
        ? Response(error.status, type: "application/json", error.json)
        : document(Page(error))
    }
  }

  // MARK: Routing

  private static func route(
    _ request: Request
  ) throws -> (route: Route, values: [String: String], isCSV: Bool) {
    if let last = request.path.last, last.hasSuffix(".csv") {
      let path = request.path.dropLast() + [String(last.dropLast(4))]
      for route in Routes.all where route.hasTable {
        if let values = route.values(in: Array(path)) { return (route, values, true) }
      }
    }
    for route in Routes.all {
      if let values = route.values(in: request.path) { return (route, values, false) }
    }
    throw ElbowError(
      .missing, "there is no page at /\(request.path.joined(separator: "/"))")
  }

  private static func check(_ query: Query, _ route: Route, isCSV: Bool) throws {
    let parameters = route.parameters(isCSV: isCSV)
    let known = parameters.map(\.name)
    for item in query.items where !known.contains(item.name) {
      throw ElbowError(
        .malformed,
        "\(route.path) takes no '\(item.name)'"
          + (known.isEmpty ? "" : "; it takes \(known.joined(separator: ", "))")
          + didYouMean(item.name, among: known))
    }
    for parameter in parameters {
      let values = query.all(parameter.name)
      // Pages say in place what is wrong with a value.
      if route.path.hasPrefix("/api/") {
        try parameter.check(values)
      } else if values.count > parameter.count.upperBound {
        throw ElbowError(.malformed, "`\(parameter.name)` is given more than once")
      }
    }
  }

  private func respond(_ route: Route, _ call: Call, isCSV: Bool) throws -> Response {
    switch route.answer {
    case .page(let page): return document(try page(call))
    case .picture(let picture): return Response(type: "image/png", try picture(call))
    case .table(let table):
      return try Self.table(try table(call), call, isCSV: isCSV)
    case .document(let json, let table):
      if isCSV, let table { return try Self.table(try table(call), call, isCSV: true) }
      return Response(type: "application/json", try json(call))
    }
  }

  /// The rows that were asked for, with the address of those that follow.
  private static func table(
    _ table: ResultTable, _ call: Call, isCSV: Bool
  ) throws -> Response {
    let limit = try call.limit
    let shown = ResultTable(columns: table.columns, rows: Array(table.rows.prefix(limit)))
    let response =
      isCSV
      ? Response(type: "text/csv; charset=utf-8", TableFormat.csv.render(shown))
      : Response(type: "application/json", TableFormat.json.render(shown))
    guard table.rows.count > limit else { return response }
    let next = call.query.with(["offset": "\(try call.offset + limit)", "limit": "\(limit)"])
    let path = call.request.path.map(Query.encoded).joined(separator: "/")
    return response.with("Link", "</\(path)\(next.encoded)>; rel=\"next\"")
  }

  private func document(_ page: Page) -> Response {
    Response(
      page.status, type: "text/html; charset=utf-8",
      page.document(database: archive.name, path: archive.path).markup)
  }

  // MARK: Heads

  /// With a tag that tells whether it is still the same, and without its content where it is.
  private static func tagged(_ response: Response, _ request: Request) -> Response {
    guard response.status == 200 else { return response }
    let tag = "\"\(SHA256.hexDigest(of: response.body).prefix(32))\""
    let known = (request.headers["if-none-match"] ?? "").split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces).replacing("W/", with: "")
    }
    var tagged = response
    if known.contains(tag) { (tagged.status, tagged.body) = (304, []) }
    return tagged.with("ETag", tag)
  }

  /// With what keeps browsers from letting others in.
  private static func guarded(_ response: Response) -> Response {
    let fields = [
      (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
          + "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
      ),
      ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
      ("Referrer-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
      ("Cross-Origin-Opener-Policy", "same-origin"), ("Cache-Control", "no-cache"),
    ]
    return fields.reduce(response) { $0.with($1.0, $1.1) }
  }
}

extension ElbowError {
  /// What a client is told by number.
  var status: Int {
    switch code {
    case .malformed: 400
    case .ambiguous, .conflict: 409
    case .unknownName, .missing: 404
    case .busy, .late: 503
    case .inaccessible, .damaged, .newer, .full, .diverged: 500
    }
  }

  /// For programs.
  fileprivate var json: String {
    JSONValue.object(["error": .string(code.rawValue), "message": .string(message)]).canonical
      + "\n"
  }
}
