import Basics
import Queries
import Records
import Reporting
import RunStore

/// Groups of runs, as sweeps make them, and how far they are.
enum SweepsPage {
  @Sendable static func page(_ call: Call) throws -> Page {
    let groups = try call.store.query(.groups, limit: 500)
    let isRunning = groups.rows.indices.contains { groups[$0, "running"] != .integer(0) }
    return Page(
      title: "Sweeps",
      body: """
        <h1>Sweeps</h1>
        <p class="lead">Groups of runs, the last begun first.</p>
        \(groups.rows.isEmpty
          ? "<p class=\"none\">No groups yet. <code>elbow sweep FILE.yaml</code> makes one, and <code>elbow group</code>.</p>"
          : table(groups, call))
        """, command: call.command(["query", "groups"]), isLive: isRunning, isWatched: true,
      data: Address.of(["api", "v1", "groups"]), section: "/sweeps")
  }

  private static func table(_ groups: ResultTable, _ call: Call) -> HTML {
    let table = ResultTable(
      columns: [
        "group", "runs", "finished", "running", "broken off", "images", "accuracy %", "last",
      ],
      rows: groups.rows.indices.map { i in
        func percent(_ column: String) -> String {
          groups[i, column].number.map { RunSummary.percent($0) } ?? Cell.missing
        }
        return [
          groups[i, "group"], groups[i, "runs"], groups[i, "finished"], groups[i, "running"],
          groups[i, "broken_off"], groups[i, "images"],
          .text("\(percent("lowest_accuracy")) to \(percent("highest_accuracy"))"),
          groups[i, "last_at"].string.map { .text(call.times.ago($0)) } ?? .null,
        ]
      })
    return TableView(
      table: table, caption: "Groups of runs",
      cell: { row, column in
        switch column {
        case "group":
          guard let name = table[row, column].string else { return nil }
          let query = Query([
            .init("where", "\"group\" = '\(name.replacing("'", with: "''"))'")
          ])
          return .link(Address.of([], query), "\(name)")
        case "images":
          let (done, all) = (groups[row, .nDone] ?? 0, groups[row, .images] ?? 0)
          return """
            \(Int(done))/\(Int(all)) <progress value="\(Int(done))" max="\(max(Int(all), 1))" \
            aria-label="Images done"></progress>
            """
        default: return nil
        }
      }
    ).html
  }
}
