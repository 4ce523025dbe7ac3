import Basics
import Queries
import Records
import Reporting
import RunStore

/// Trainings and the curves of one, as `elbow plot training` draws them.
enum TrainingsPage {
  static let parameters: [Route.Parameter] = [
    .init(name: "training", meaning: "A training: the beginning of its id.")
  ]

  /// Most points of a curve.
  static let points = 300

  /// The training that a text names, as a full id.
  ///
  /// - Throws: `ElbowError` where there is none.
  static func id(_ prefix: String, _ store: RunStore) throws -> String {
    guard let training = try store.recordedTraining(prefix) else {
      throw ElbowError(.unknownName, "no training begins with '\(prefix)'")
    }
    return training.id
  }

  @Sendable static func page(_ call: Call) throws -> Page {
    let all = try call.store.query(.trainings, limit: 500)
    let chosen = try call["training"].map { try id($0, call.store) } ?? all.rows.first?[0].string
    guard let chosen else {
      return Page(
        title: "Trainings",
        body: """
          <h1>Trainings</h1>
          <p class="none">No trainings yet. <code>elbow train diffusion</code> makes one.</p>
          """, command: call.command(["query", "trainings"]),
        isWatched: true,
        data: Address.of(["api", "v1", "trainings"]), section: "/trainings")
    }
    let isRunning = all.rows.indices.contains { all[$0, "status"] == .text("running") }
    return Page(
      title: "Trainings",
      body: """
        <h1>Trainings</h1>
        \(try curves(chosen, all, call))
        \(table(all, chosen, call))
        """, command: call.command(["plot", "training", chosen]), isLive: isRunning,
      isWatched: true,
      data: Address.of(["api", "v1", "trainings"]), section: "/trainings")
  }

  private static func curves(_ id: String, _ all: ResultTable, _ call: Call) throws -> HTML {
    var rows = try call.store.query(.trainingCurves(of: [id], points: points))
    rows.rows = rows.rows.indices.filter { row in
      let name = rows[row, "name"].text(null: "")
      return name == "loss" || name.hasPrefix("validation")
    }.map { rows.rows[$0] }
    guard !rows.rows.isEmpty else {
      return "<p class=\"none\">Nothing has been measured of training <code>\(id)</code> yet.</p>"
    }
    let mine = ResultTable(
      columns: all.columns, rows: all.rows.filter { $0.first == .text(id) })
    return Chart(figure: Figure(training: rows, of: mine)).html
  }

  private static func table(_ all: ResultTable, _ chosen: String, _ call: Call) -> HTML {
    let table = ResultTable(
      columns: [
        "training", "kind", "status", "dataset", "model", "steps", "loss", "validation loss",
        "started",
      ],
      rows: all.rows.indices.map { i in
        [
          .text(String(all[i, "id"].text(null: "").prefix(RunSummary.shortID))), all[i, "kind"],
          all[i, "status"], all[i, "dataset"],
          all[i, "model_path"].string.map { .text(RunSummary.modelName($0)) } ?? .null,
          .text("\(all[i, "steps_done"].text(null: "0"))/\(all[i, "steps"].text(null: "–"))"),
          all[i, "loss"], all[i, "validation_loss"],
          all[i, "started_at"].string.map { .text(call.times.ago($0)) } ?? .null,
        ]
      })
    return TableView(
      table: table, caption: "Trainings",
      cell: { row, column in
        switch column {
        case "training":
          let id = all[row, "id"].text(null: "")
          let address = Address.of(["trainings"], Query([.init("training", id)]))
          let current: HTML = id == chosen ? " aria-current=\"true\"" : ""
          return
            "<a href=\"\(address)\"\(current)><code>\(id.prefix(RunSummary.shortID))</code></a>"
        case "status": return table[row, column].string.map { HTML.status($0) }
        default: return nil
        }
      }
    ).html
  }
}
