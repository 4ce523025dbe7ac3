import Basics
import Queries
import Records
import Reporting
import RunStore

/// A run's images with how it answered them.
enum ImagesPage {
  static let parameters: [Route.Parameter] = [
    .condition("the query predictions"),
    .init(
      name: "page", meaning: "Which part of a long list, from 1.", kind: .integer(1...1_000_000)),
  ]

  /// Images on a page.
  private static let shown = 100

  @Sendable static func page(_ call: Call) throws -> Page {
    let id = try call.run()
    let place = try call.number("page", in: 1...1_000_000, usual: 1)
    let (filter, handle) = (try call.filter(), QueryHandle.predictions(of: id))
    let total = try call.store.count(handle.name, handle.values, where: filter)
    let table = try call.store.query(
      handle, where: filter,
      columns: [
        "image_index", "label", "label_name", "predicted_name", "correct", "clean_predicted",
        "attacked", "attack_linf", "attack_l2", "nfe", "gradients", "seconds",
      ], limit: shown, offset: shown * (place - 1))
    let isAttacked = table.rows.indices.contains { table[$0, "attacked"] != .null }
    var columns = table
    for name in ["label"]
      + (isAttacked ? [] : ["clean_predicted", "attacked", "attack_linf", "attack_l2"])
    { columns = columns.dropping(name) }
    // Where one of its images can be had, all can.
    let first = table.rows.first.flatMap { _ in table[0, "image_index"].number }
    let hasPictures =
      first.flatMap { try? Picture(id, Int(nearest: $0), call) }
      .map { $0.has(.final, call.store) } ?? false
    return Page(
      title: "Images of \(id.prefix(RunSummary.shortID))",
      body: """
        <p class="kind">Images of run \(HTML.run(id))</p>
        <h1>Images</h1>
        <form class="ask" action="\(Address.of(["runs", id, "images"]))" method="get">
        <div class="field long"><label for="where">Condition</label>
        <input id="where" name="where" value="\(call["where"] ?? "")" autocomplete="off" \
        spellcheck="false" placeholder="correct = 0" data-complete="names"></div>
        <button>Show</button>
        <datalist id="names">\(HTML(table.columns.map { "<option>\($0)</option>" }))</datalist>
        </form>
        <div class="over"><p>\(total.counted("image"))</p></div>
        \(columns.rows.isEmpty ? "<p class=\"none\">None.</p>" : gallery(id, columns, hasPictures: hasPictures))
        \(HTML.pages(place, of: (total + shown - 1) / shown, "before", "after") { page in
          Address.of(["runs", id, "images"], call.query.with(["page": page]))
        })
        """,
      command: call.command(["query", "predictions", "run=\(id)"], [("--where", call["where"])]),
      data: Address.of(
        ["api", "v1", "runs", id, "predictions"], call.query.with(["page": nil])), section: "/")
  }

  private static func gallery(
    _ id: String, _ table: ResultTable, hasPictures: Bool
  ) -> HTML {
    TableView(
      table: table, caption: "Images",
      cell: { row, column in
        switch (column, table[row, column]) {
        case ("image_index", .integer(let index)):
          .link(Address.image(id, Int(index)), "\(Int(index))")
        case ("correct", let cell), ("attacked", let cell): mark(cell)
        default: nil
        }
      },
      head: { names[$0].map { "\($0)" } },
      first: !hasPictures
        ? nil
        : (
          "<span class=\"unseen\">Picture</span>",
          { row in
            guard case .integer(let index) = table[row, "image_index"] else { return "" }
            return picture(id, Int(index), .final, size: 28)
          }
        )
    ).html
  }

  private static let names = [
    "image_index": "image", "label_name": "true class", "predicted_name": "predicted",
    "correct": "right", "clean_predicted": "predicted clean", "attack_linf": "ℓ∞",
    "attack_l2": "ℓ2", "nfe": "NFE", "seconds": "s",
  ]

  /// An image in small, that leads to its page.
  static func picture(_ run: String, _ index: Int, _ kind: Picture.Kind, size: Int) -> HTML {
    """
    <img class="pixels" src="\(Address.picture(run, index, kind.name))" width="\(size)" \
    height="\(size)" alt="Image \(index), \(kind.rawValue)" loading="lazy">
    """
  }

  /// Yes or no.
  static func mark(_ cell: Cell) -> HTML {
    switch cell {
    case .integer(1): "<span class=\"yes\">yes</span>"
    case .integer(0): "<span class=\"no\">no</span>"
    default: "–"
    }
  }
}
