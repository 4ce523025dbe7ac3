import Basics
import Queries
import Records
import Reporting
import RunStore

/// The runs that meet a condition, as `elbow runs` lists them.
enum RunsPage {
  static let parameters =
    Route.Parameter.list + [
      .init(
        name: "page", meaning: "Which part of a long list, from 1.", kind: .integer(1...1_000_000))
    ]

  /// Runs on a page.
  private static let shown = 50

  /// Columns that come first: what a run is called, and what came of it.
  static let leading = [
    "run", "when", "name", "status", "accuracy % (95 %)", "images", "NFE",
  ]

  /// Orders that the form offers.
  private static let orders = [
    ("", "newest first"), ("-accuracy", "most accurate"), ("nfe_per_image", "fewest evaluations"),
    ("-images", "most images"), ("name", "by name"),
  ]

  @Sendable static func page(_ call: Call) throws -> Page {
    var problem: ElbowError?
    var (listing, isLive, isUnderway): (HTML, Bool, Bool) = ("", false, false)
    do {
      if let (html, isRunning) = try list(call) {
        (listing, isLive) = (html, isRunning)
      } else {
        (listing, isUnderway) = (.underway, true)
      }
    } catch let error as ElbowError {
      guard error.status < 500 else { throw error }
      problem = error
    }
    let command = call.command(
      ["runs"],
      ["where", "started", "status", "columns", "sort", "group-by", "over"].map {
        ("--\($0)", call[$0])
      })
    return Page(
      title: "Runs",
      body: """
        <h1>Runs</h1>
        \(try form(call, problem))
        <div id="answer" aria-live="polite">
        \(listing)
        </div>
        """, command: problem == nil ? command : nil,
      isLive: isLive, isUnderway: isUnderway, isWatched: problem == nil,
      data: problem == nil
        ? Address.of(["api", "v1", "runs"], call.query.with(["page": nil])) : nil,
      section: "/", status: problem == nil ? 200 : 400)
  }

  // MARK: The form

  private static func form(_ call: Call, _ problem: ElbowError?) throws -> HTML {
    let names = try call.store.query(.runs, limit: 0).columns + call.store.configurationColumns
    let wrong: HTML =
      problem == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"problem\""
    let orders =
      Self.orders
      + (Self.orders.contains { $0.0 == call["sort"] ?? "" }
        ? [] : [(call["sort"] ?? "", call["sort"] ?? "")])
    let choices = orders.map { value, meaning -> HTML in
      let isChosen: HTML = value == call["sort"] ?? "" ? " selected" : ""
      return "<option value=\"\(value)\"\(isChosen)>\(meaning)</option>"
    }
    let example = "accuracy > 85% AND attack IS NULL"
    return """
      <form class="ask" action="/" method="get">
      <div class="field long"><label for="where">Condition</label>
      <input id="where" name="where" value="\(call["where"] ?? "")" placeholder="\(example)" \
      autocomplete="off" autocapitalize="off" spellcheck="false" data-complete="names"\(wrong)>
      \(problem.map { HTML.problem($0) })</div>
      <div class="field"><label for="sort">Order</label>
      <select id="sort" name="sort">\(choices)</select></div>
      <button>Show</button>
      <details\(isOpen(call))><summary>Columns, groups, time</summary>
      <div class="more">
      \(field("columns", "Columns", "id,name,accuracy,tags.stage", call, completes: true))
      \(field("group-by", "Group by", "classifier,strategy", call, completes: true))
      \(field("over", "Repeated over", "seed", call, completes: true))
      \(field("started", "Started", "last 2 days", call))
      \(field("status", "Status", "running,finished", call))
      </div>
      <p>Conditions compare columns with AND, OR, NOT, IN (…), LIKE, IS NULL and parentheses; values \
      may be fractions (8/255) and percentages (85%). <code>tags.KEY</code> is a tag, \
      <code>last(NAME)</code> a metric's last value. Columns are \(codes(names)).</p>
      </details>
      <datalist id="names">\(HTML(names.map { "<option>\($0)</option>" }))</datalist>
      </form>
      """
  }

  private static func isOpen(_ call: Call) -> HTML {
    ["columns", "group-by", "over", "started", "status"].contains { call[$0] != nil }
      ? " open" : ""
  }

  private static func codes(_ names: [String]) -> HTML {
    HTML(
      names.enumerated().map { ($0 == 0 ? "" : ", ") + "<code>\($1)</code>" as HTML })
  }

  private static func field(
    _ name: String, _ label: String, _ example: String, _ call: Call, completes: Bool = false
  ) -> HTML {
    let completion: HTML = completes ? " data-complete=\"names\"" : ""
    return """
      <div class="field"><label for="\(name)">\(label)</label>
      <input id="\(name)" name="\(name)" value="\(call[name] ?? "")" placeholder="\(example)" \
      autocomplete="off" autocapitalize="off" spellcheck="false"\(completion)></div>
      """
  }

  // MARK: The list

  /// The list, and whether a run of it is still under way; nil where a browser is to come again for it.
  private static func list(_ call: Call) throws -> (HTML, isLive: Bool)? {
    var list = try RunList(call)
    let filter = try call.filter()
    if list.groupedBy != nil { return try groups(call, list, filter).map { ($0, false) } }
    let total = try call.store.count("runs", where: filter)
    let place = try call.number("page", in: 1...1_000_000, usual: 1)
    (list.limit, list.offset) = (shown, shown * (place - 1))
    var answer = try list.answer(
      call.store, where: filter, isForReading: list.columns == nil, times: call.times)
    if list.columns == nil { answer.table = answer.table.beginning(with: leading) }
    guard !answer.table.rows.isEmpty else {
      let nothing: HTML =
        total > 0
        ? "<p class=\"none\">There is no page \(place).</p>"
        : filter == nil
          ? "<p class=\"none\">No runs yet. <code>elbow demo</code> records the first ones.</p>"
          : "<p class=\"none\">No runs meet the condition.</p>"
      return (nothing, false)
    }
    let from = shown * (place - 1) + 1
    let count = "\(from)–\(from + answer.table.rows.count - 1) of \(total)"
    let values = answer.values
    let isLive = values.rows.indices.contains { row in
      values.columns.contains("status") && values[row, "status"] == .text("running")
    }
    let html: HTML = """
      <form action="/compare" method="get">
      <div class="over"><p>\(total.counted("run"))\(total > shown ? ", \(count)" : "")</p>
      <button>Compare chosen</button></div>
      \(rows(answer, call, list))
      </form>
      \(HTML.pages(place, of: (total + shown - 1) / shown, "newer", "older") { page in
        Address.of([], call.query.with(["page": page]))
      })
      """
    return (html, isLive)
  }

  private static func rows(_ answer: RunList.Answer, _ call: Call, _ list: RunList) -> HTML {
    let ids = answer.runs.map { $0.first ?? "" }
    let measured = answer.values
    return TableView(
      table: answer.table, caption: "Runs",
      cell: { row, column in
        let value = answer.table[row, column]
        switch column {
        case "run", "id": return .run(ids[row])
        case "name": return value.string.map { .link(Address.run(ids[row]), "\($0)") }
        case "status": return value.string.map { .status($0) }
        case "accuracy % (95 %)":
          guard let accuracy = measured[row, .accuracy], let low = measured[row, .accuracyLow],
            let high = measured[row, .accuracyHigh]
          else { return nil }
          return "\(value.text(null: "")) \(HTML.bar(accuracy, low: low, high: high))"
        default: return nil
        }
      },
      head: { heading($0, call, list) },
      first: (
        "<span class=\"unseen\">Choose</span>",
        { row in
          "<input type=\"checkbox\" name=\"run\" value=\"\(ids[row])\" aria-label=\"Choose run \(ids[row])\">"
        }
      )
    ).html
  }

  /// A head that sorts by its column, the other way round where it does already.
  private static func heading(_ heading: String, _ call: Call, _ list: RunList) -> HTML? {
    let column =
      list.columns == nil
      ? RunSummary.needed.first { RunSummary.heading(of: $0) == heading } : heading
    guard let column else { return nil }
    let isFalling = list.order.first == "-" + column
    let isRising = list.order.first == column
    let next = isFalling ? column : isRising ? nil : "-" + column
    let mark: HTML = isFalling ? " ▾" : isRising ? " ▴" : ""
    return .link(Address.of([], call.query.with(["sort": next, "page": nil])), "\(heading)\(mark)")
  }

  private static func groups(
    _ call: Call, _ list: RunList, _ filter: RowFilter?
  ) throws -> HTML? {
    let place = try call.number("page", in: 1...1_000_000, usual: 1)
    let asked = call.query.with(["page": nil]).encoded
    let found = try call.dear("groups \(asked)") { store in
      try list.answer(store, where: filter, isForReading: true)
    }
    guard let answer = found else { return nil }
    guard !answer.table.rows.isEmpty else { return "<p class=\"none\">No finished runs.</p>" }
    let part = answer.runs.indices.dropFirst(shown * (place - 1)).prefix(shown)
    guard !part.isEmpty else { return "<p class=\"none\">There is no page \(place).</p>" }
    let table = ResultTable(
      columns: answer.table.columns, rows: part.map { answer.table.rows[$0] })
    let runs = part.map { answer.runs[$0] }
    let links = runs.map { ids -> HTML in
      ids.count == 1
        ? .run(ids[0])
        : .link(Address.comparison(Array(ids.prefix(50))), "compare \(min(ids.count, 50))")
    }
    return """
      <div class="over"><p>\(answer.table.rows.count.counted("group"))</p></div>
      \(TableView(
        table: table.appending("runs", runs.map { .integer(Int64($0.count)) }),
        caption: "Groups of runs",
        cell: { row, column in column == "runs" ? links[row] : nil }).html)
      \(HTML.pages(
        place, of: (answer.runs.count + shown - 1) / shown, "before", "after"
      ) { page in Address.of([], call.query.with(["page": page])) })
      <p class="note">\(answer.note.map { "\($0.prefix(1).uppercased() + $0.dropFirst()). " } ?? "")\(RunGroups.note)</p>
      """
  }
}

extension ResultTable {
  /// With some columns, where it has them, before all others.
  func beginning(with names: [String]) -> ResultTable {
    let order =
      names.enumerated().filter { !names[..<$0].contains($1) }.compactMap {
        columns.firstIndex(of: $1)
      }
      + columns.indices.filter { !names.contains(columns[$0]) }
    return ResultTable(
      columns: order.map { columns[$0] }, rows: rows.map { row in order.map { row[$0] } })
  }
}
