import Basics
import Queries
import Records
import Reporting
import RunStore

/// Runs against the first of them, as `elbow compare` has it.
enum ComparePage {
  /// Most runs that an address of the interface names.
  static let mostRuns = 50

  static let common = Route.Parameter(
    name: "common", meaning: "Compare on the images that all runs share.", kind: .boolean)
  static let parameters = [common]

  /// Flips that are shown with their pictures.
  private static let shown = 60

  @Sendable static func page(_ call: Call) throws -> Page {
    let ids = try call.runs()
    guard ids.count >= 2 else { return try choice(ids, call) }
    let comparison = try Comparison(ids, call.store)
    var problem: ElbowError?
    if try !call.flag(common.name) {
      do { try comparison.refuseUnequalInputs() } catch let error as ElbowError {
        problem = error
      }
    }
    let shown =
      try problem.map { refusal($0, call) } ?? answer(comparison, ids, call)
    return Page(
      title: "\(ids.count) runs compared",
      body: """
        <h1>\(ids.count) runs compared</h1>
        \(shown)
        <section><h2>Other runs</h2>
        \(try form(ids, call))</section>
        """,
      command: problem == nil
        ? try call.command(
          ["compare"] + ids + (ids.count == 2 ? ["--flips"] : [])
            + (call.flag(common.name) ? ["--common"] : [])) : nil,
      data: problem == nil && ids.count <= mostRuns
        ? Address.of(["api", "v1", "comparison"], call.query) : nil,
      section: "/compare", status: problem == nil ? 200 : 400)
  }

  private static func refusal(_ error: ElbowError, _ call: Call) -> HTML {
    let shared = Address.of(["compare"], call.query.with([common.name: "true"]))
    return """
      \(HTML.problem(error))
      <p>\(HTML.link(shared, "Compare on the images that all of them classified"))</p>
      """
  }

  private static func answer(
    _ comparison: Comparison, _ ids: [String], _ call: Call
  ) throws -> HTML {
    let table = comparison.table
    return """
      \(TableView(
        table: table, caption: "Runs against the first",
        cell: { row, column in column == "run" ? .run(ids[row]) : nil }).html)
      \(prose(comparison.description))
      \(ids.count <= mostRuns ? tables(ids, call) : nil)
      \(ids.count == 2 ? try pair(ids, call) : nil)
      """
  }

  /// The tables of a comparison as data.
  private static func tables(_ ids: [String], _ call: Call) -> HTML {
    let names = ["pairs"] + (ids.count == 2 ? ["flips", "difference"] : [])
    let links = names.map { name -> HTML in
      let asked = name == "pairs" ? call.query : call.query.with([common.name: nil])
      let address = Address.of(["api", "v1", name + ".csv"], asked)
      return "\(HTML.link(address, "\(name) as CSV")) "
    }
    return "<nav class=\"links\" aria-label=\"Tables of the comparison\">\(links)</nav>"
  }

  /// What stands below the table of a terminal.
  private static func prose(_ text: String) -> HTML {
    "<pre class=\"wide\" tabindex=\"0\">\(text.split(separator: "\n", omittingEmptySubsequences: false).map { "\(String($0))\n" as HTML })</pre>"
  }

  // MARK: Two runs

  private static func pair(_ ids: [String], _ call: Call) throws -> HTML {
    let difference = try call.store.query(.diff(ids[0], ids[1]))
    let flips = try call.store.query(.flips(ids[0], ids[1]), limit: shown + 1)
    return """
      <section><h2>What they differ in</h2>
      \(difference.rows.isEmpty
        ? "<p class=\"none\">Nothing.</p>"
        : TableView(table: difference, caption: "What they differ in").html)</section>
      <section><h2>Answered differently</h2>
      \(flips.rows.isEmpty
        ? "<p class=\"none\">Both answer every image alike.</p>"
        : try table(flips, ids, call))</section>
      """
  }

  private static func table(_ flips: ResultTable, _ ids: [String], _ call: Call) throws -> HTML {
    let classes = try call.store.classNames(ids[0])
    func name(_ cell: Cell) -> Cell {
      if case .integer(let one) = cell, classes.indices.contains(Int(one)) {
        return .text(classes[Int(one)])
      }
      return cell
    }
    var kept = flips
    kept.rows = Array(flips.rows.prefix(shown))
    let more: HTML? =
      flips.rows.count > shown
      ? "<p class=\"note\">The first \(shown) are shown; the data has all.</p>" : nil
    let shortened = ResultTable(
      columns: ["image", "true class", "first", "margin", "second", "its margin"],
      rows: kept.rows.indices.map { i in
        ["image_index", "label", "first", "first_margin", "second", "second_margin"]
          .map { ["label", "first", "second"].contains($0) ? name(kept[i, $0]) : kept[i, $0] }
      })
    return TableView(
      table: shortened, caption: "Images that the two answer differently",
      cell: { row, column in
        let cell = shortened[row, column]
        switch column {
        case "image":
          guard case .integer(let index) = cell else { return nil }
          return .link(Address.image(ids[0], Int(index)), "\(Int(index))")
        case "first", "second":
          let isRight = kept[row, column + "_correct"] == .integer(1)
          let kind: HTML = isRight ? "yes" : "no"
          return "<span class=\"\(kind)\">\(cell.text(null: Cell.missing))</span>"
        case "margin", "its margin": return cell == .null ? "out" : .number(cell.number, 3)
        default: return nil
        }
      },
      first: (
        "<span class=\"unseen\">Pictures</span>",
        { row in
          guard case .integer(let index) = kept[row, "image_index"] else { return "" }
          return HTML(ids.map { ImagesPage.picture($0, Int(index), .final, size: 36) })
        }
      )
    ).html
      + "<p class=\"note\">Margin: ELBO of the true class less the best other; out: eliminated.</p>"
      + (more ?? "")
  }

  // MARK: Choosing

  private static func choice(_ ids: [String], _ call: Call) throws -> Page {
    Page(
      title: "Compare",
      body: """
        <h1>Compare</h1>
        <p class="lead">Choose two runs or more; each is held against the first.</p>
        \(try form(ids, call))
        """, command: "elbow compare RUN RUN" + call.archive.flag, section: "/compare")
  }

  /// The newest runs to choose among, those that are compared already first.
  private static func form(_ ids: [String], _ call: Call) throws -> HTML {
    let newest = try call.store.query(
      .runs, where: RowFilter.above("n_done", 0), columns: RunSummary.needed, limit: 40)
    let mine = try call.store.query(.runs, where: .ids(ids), columns: RunSummary.needed)
    let rows =
      ids.compactMap { id in mine.rows.first { $0[0] == .text(id) } }
      + newest.rows.filter { row in !ids.contains(row[0].text(null: "")) }
    guard !rows.isEmpty else { return "<p class=\"none\">No runs with results yet.</p>" }
    let table = ResultTable(columns: RunSummary.needed, rows: rows)
    let summary = RunSummary.table(table)
    func id(_ row: Int) -> String { table[row, "id"].text(null: "") }
    return """
      <form action="/compare" method="get">
      <div class="over"><p>\(table.rows.count.counted("run"))</p><button>Compare chosen</button></div>
      \(TableView(
        table: summary, caption: "Runs to choose among",
        cell: { row, column in column == "run" ? .run(id(row)) : nil },
        first: (
          "<span class=\"unseen\">Choose</span>",
          { row in
            let isChosen: HTML = ids.contains(id(row)) ? " checked" : ""
            return "<input type=\"checkbox\" name=\"run\" value=\"\(id(row))\" aria-label=\"Choose run \(id(row))\"\(isChosen)>"
          })).html)
      </form>
      """
  }
}
