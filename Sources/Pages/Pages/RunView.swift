import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore

/// All about one run, as `elbow show` tells it, with its figures.
enum RunView {
  @Sendable static func page(_ call: Call) throws -> Page {
    let id = try call.run()
    let page = try RunPage(id, call.store, times: call.times)
    let header = page.header
    let name = header[0, .name] ?? String(id.prefix(RunSummary.shortID))
    let status = header[0, "status"].text(null: "")
    let isOwn = header[0, "fingerprint"] != .null
    let (evidence, isUnderway) = isOwn ? try evidence(id, header, call) : (nil, false)
    return Page(
      title: name,
      body: """
        <p class="kind">Run <code>\(id)</code></p>
        <h1>\(name)</h1>
        <p class="lead">\(HTML.status(status)) \(header[0, "note"].string.map { "\($0)" as HTML })</p>
        \(isOwn ? result(header) : nil)
        \(links(id, header))
        \(isOwn ? try figures(id, header, call) : nil)
        \(evidence)
        \(isOwn ? try CertificateView.section(id, header, call) : nil)
        \(try metrics(id, header, call))
        \(try sections(page))
        \(try ChangesView.section(id, call))
        \(try json(header))
        """, command: call.command(["show", id]), isLive: status == "running",
      isUnderway: isUnderway,
      data: Address.of(["api", "v1", "runs", id]), section: "/")
  }

  private static func result(_ header: ResultTable) -> HTML {
    var tiles: [(String, HTML, HTML)] = []
    if let accuracy = header[0, .accuracy], let low = header[0, .accuracyLow],
      let high = header[0, .accuracyHigh]
    {
      let counts =
        "\(header[0, "n_correct"].text(null: "0")) of \(header[0, "n_done"].text(null: "0"))"
      tiles.append(
        (
          "accuracy", "\(RunSummary.percent(accuracy)) %",
          "\(RunSummary.percent(low))–\(RunSummary.percent(high)) (95 %), \(counts)"
        ))
    }
    let done = header[0, .nDone] ?? 0
    if let images = header[0, .images], done < images {
      tiles.append(("images", "\(Int(done))/\(Int(images))", "done so far"))
    }
    tiles += [
      ("NFE", .number(header[0, .nfePerImage], 1), "network evaluations an image"),
      ("gradients", .number(header[0, .gradientsPerImage], 1), "backward passes an image"),
      ("seconds", .number(header[0, "seconds_per_image"].number, 3), "an image"),
    ]
    return .tiles(tiles.map { (label: $0.0, value: $0.1, note: $0.2) })
  }

  private static func links(_ id: String, _ header: ResultTable) -> HTML {
    var links: [HTML] = []
    if header[0, .nDone] ?? 0 > 0 {
      links.append(.link(Address.of(["runs", id, "images"]), "Images"))
      let wrong = Query([.init("where", "correct = 0")])
      links.append(.link(Address.of(["runs", id, "images"], wrong), "Wrong answers"))
      links.append(.link(Address.of(["replay"], Query([.init("run", id)])), "Replay"))
      links.append(.link(Address.comparison([id]), "Compare with …"))
    }
    if let source = header[0, "replay_of"].string ?? header[0, "inputs_run"].string {
      links.append(.link(Address.run(source), "The run it comes from"))
    }
    if let group = header[0, "group"].string {
      let query = Query([.init("where", "\"group\" = '\(group.replacing("'", with: "''"))'")])
      links.append(.link(Address.of([], query), "Group \(group)"))
    }
    return links.isEmpty
      ? ""
      : "<nav class=\"links\" aria-label=\"Of this run\">\(links.map { "\($0) " as HTML })</nav>"
  }

  /// Most classes whose confusion is drawn: it has a cell for every two.
  private static let manyClasses = 100

  private static func figures(
    _ id: String, _ header: ResultTable, _ call: Call
  ) throws -> HTML {
    guard header[0, .nDone] ?? 0 > 0 else { return "" }
    let classes = try call.store.classNames(id)
    guard classes.count <= manyClasses else {
      let data = Address.of(["api", "v1", "runs", id, "confusion"])
      return """
        <section><h2>Confusion</h2>
        <p class="note">\(classes.count) classes are too many to draw; \
        \(HTML.link(data, "how often one was taken for another")).</p></section>
        """
    }
    let confusion = Figure(
      confusion: try call.store.query(.confusion(of: id)), classes: classes, run: id)
    return """
      <section><h2>Confusion</h2>
      \(Chart(figure: confusion).html)</section>
      """
  }

  /// What each noise level adds, which reads all losses of the run.
  ///
  /// - Returns: what there is, and whether a browser is to come again for it.
  private static func evidence(
    _ id: String, _ header: ResultTable, _ call: Call
  ) throws -> (HTML?, isUnderway: Bool) {
    guard header[0, .nDone] ?? 0 > 0 else { return (nil, false) }
    let done = header[0, "n_done"].text(null: "0")
    let rows = try call.dear("evidence \(id)", version: done) { try $0.query(.evidence(of: id)) }
    guard rows?.rows.isEmpty != true else { return (nil, false) }
    let content = rows.map { Chart(figure: Figure(evidence: $0, run: id)).html } ?? .underway
    return ("<section><h2>Evidence by noise level</h2>\n\(content)</section>", rows == nil)
  }

  private static func metrics(
    _ id: String, _ header: ResultTable, _ call: Call
  ) throws -> HTML {
    let rows = try call.store.query(.metricCurves(of: [id], points: TrainingsPage.points))
    guard !rows.rows.isEmpty else { return "" }
    let run = try call.store.query(.runs, where: .ids([id]))
    return """
      <section><h2>Metrics by step</h2>
      \(Chart(figure: Figure(metrics: rows, of: run)).html)</section>
      """
  }

  /// What `elbow show` prints, without what stands above already.
  private static func sections(_ page: RunPage) throws -> HTML {
    let shown = try page.sections().filter {
      !$0.title.hasPrefix("Confusion") && $0.title != "Result"
    }
    return HTML(
      shown.map { section in
        guard !section.lines.isEmpty || section.table != nil else {
          return "<p class=\"note\">\(section.title)</p>\n"
        }
        // What follows a title's first word, an id, has its own place.
        let words = section.title.split(separator: " ")
        let title = ["Run", "Configuration"].first { $0 == words[0] } ?? section.title
        let content =
          section.table.map { TableView(table: $0, caption: title).html } ?? facts(section)
        return "<section><h2>\(title)</h2>\n\(content)</section>\n"
      })
  }

  private static func facts(_ section: RunPage.Section) -> HTML {
    var facts = section.lines.filter { $0.label != "JSON" }.map { label, value -> (String, HTML) in
      let text = label == "command" ? RunSummary.command(value) : value
      return (label, isCode(label) ? "<code>\(text)</code>" : "\(text)")
    }
    if section.title.hasPrefix("Configuration ") {
      facts.append(("fingerprint", "<code>\(section.title.dropFirst(14))</code>"))
    }
    return .facts(facts.map { (label: $0.0, value: $0.1) })
  }

  private static func isCode(_ label: String) -> Bool {
    ["command", "code", "SHA-256", "grid", "strategy", "replay of"].contains(label)
  }

  private static func json(_ header: ResultTable) throws -> HTML? {
    guard let text = header[0, "configuration"].string else { return nil }
    return """
      <details><summary>The configuration as it is recorded</summary>
      <pre class="wide" tabindex="0">\(text)</pre></details>
      """
  }
}
