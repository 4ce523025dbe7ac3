import Basics
import RunStore

/// The description of what programs can ask, made of the table of routes.
enum OpenAPI {
  /// The document in OpenAPI 3.1.
  static func document(of routes: [Route]) -> String {
    let described = routes.filter { $0.path.hasPrefix("/api/") }
    var paths: [String: JSONValue] = [:]
    for route in described {
      paths[route.path] = operation(route, isCSV: false)
      if route.hasTable { paths[route.path + ".csv"] = operation(route, isCSV: true) }
    }
    return JSONValue.object([
      "openapi": "3.1.0",
      "info": .object([
        "title": "Elbow", "version": .string(elbowVersion),
        "description": "The runs of one database, read only. Tables are those of the command line.",
        "license": .object(["name": "MIT", "identifier": "MIT"]),
      ]),
      "servers": .array([.object(["url": "/"])]),
      "security": .array([.object([:]), .object(["token": .array([])])]),
      "paths": .object(paths),
      "components": .object([
        "securitySchemes": .object([
          "token": .object(["type": "http", "scheme": "bearer"])
        ]),
        "schemas": .object([
          "Error": .object([
            "type": "object", "required": .array(["error", "message"]),
            "properties": .object([
              "error": .object(["type": "string"]), "message": .object(["type": "string"]),
            ]),
          ])
        ]),
      ]),
    ]).canonical + "\n"
  }

  private static func operation(_ route: Route, isCSV: Bool) -> JSONValue {
    let inPath = route.segments.filter { $0.hasPrefix("{") }.map { segment -> JSONValue in
      let name = String(segment.dropFirst().dropLast())
      var described: [String: JSONValue] = [
        "name": .string(name), "in": "path", "required": true,
        "schema": .object(["type": "string", "minLength": .number(1)]),
      ]
      described["example"] = ["run": "@last", "image": "0"][name]
      return .object(described)
    }
    let inQuery = route.parameters(isCSV: isCSV).map { parameter -> JSONValue in
      var described: [String: JSONValue] = [
        "name": .string(parameter.name), "in": "query",
        "required": .bool(parameter.count.lowerBound > 0),
        "description": .string(parameter.meaning), "schema": parameter.schema,
      ]
      described["example"] = parameter.example
      return .object(described)
    }
    let rows = JSONValue.object(["type": "array", "items": .object(["type": "object"])])
    let isRows = if case .table = route.answer { true } else { false }
    let content: (type: String, schema: JSONValue) =
      isCSV
      ? ("text/csv", .object(["type": "string"]))
      : ("application/json", isRows ? rows : .object(["type": "object"]))
    func answer(_ meaning: String, _ type: String, _ schema: JSONValue) -> JSONValue {
      .object([
        "description": .string(meaning),
        "content": .object([type: .object(["schema": schema])]),
      ])
    }
    let error = JSONValue.object(["$ref": "#/components/schemas/Error"])
    var responses = ["200": answer(route.summary, content.type, content.schema)]
    for (status, meaning) in [
      ("400", "Asked wrongly."), ("404", "A name that stands for nothing."),
      ("409", "A name that stands for several, or for what cannot be had of it."),
      ("500", "The file cannot be read."), ("503", "The file is held by another process."),
    ] {
      responses[status] = answer(meaning, "application/json", error)
    }
    return .object([
      "get": .object([
        "summary": .string(route.summary), "parameters": .array(inPath + inQuery),
        "responses": .object(responses),
      ])
    ])
  }
}
