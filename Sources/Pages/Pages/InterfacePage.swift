/// What programs can ask, made of the table of routes.
enum InterfacePage {
  @Sendable static func page(_ call: Call) throws -> Page {
    let rows = Routes.all.filter { $0.path.hasPrefix("/api/") }.map { route -> HTML in
      let names = route.parameters.map { parameter -> HTML in
        "<abbr title=\"\(parameter.meaning)\">\(parameter.name)</abbr> "
      }
      let isPlain = !route.path.contains("{") && !route.parameters.contains { $0.name == "run" }
      let address: HTML =
        isPlain ? HTML.link(route.path, "<code>\(route.path)</code>") : "<code>\(route.path)</code>"
      return """
        <tr><th scope="row">\(address)</th><td>\(route.summary)</td><td>\(names)</td>\
        <td>\(route.hasTable ? "yes" : "–")</td></tr>

        """
    }
    return Page(
      title: "API",
      body: """
        <h1>API</h1>
        <p class="lead">Read only. Tables are those of the command line, as JSON, and as CSV with \
        <code>.csv</code> behind the path; the \
        <a href="/api/v1/openapi.json">description in OpenAPI</a> says the same to programs.</p>
        <p>A table gives \(Call.usualLimit) rows where <code>limit</code> says nothing; the address of \
        those that follow stands in the field <code>Link</code>. Answers have an <code>ETag</code>.</p>
        <div class="wide" tabindex="0" role="region" aria-label="Addresses"><table>
        <thead><tr><th scope="col">address</th><th scope="col">what</th><th scope="col">takes</th>\
        <th scope="col">CSV</th></tr></thead>
        <tbody>
        \(rows)</tbody></table></div>
        """,
      command: "curl http://\(call.request.headers["host"] ?? "localhost")/api/v1/openapi.json",
      section: "/api")
  }
}
