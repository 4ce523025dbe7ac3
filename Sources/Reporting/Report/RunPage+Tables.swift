import Basics
import Foundation
import Queries
import Records
import RunStore

extension RunPage {
  /// The processes that worked on it.
  func sessions() throws -> [(title: String, lines: [(String, String?)])] {
    let table = try store.query(.sessions(of: id))
    return table.rows.indices.map { i in
      func text(_ column: String) -> String? {
        let cell = table[i, column]
        return cell == .null ? nil : cell.text(null: "").visible
      }
      func counted(_ column: String, _ noun: String) -> String? {
        table[i, column].number.map { Int(nearest: $0).counted(noun) }
      }
      let code = text("git_commit").map {
        $0 + (table[i, "git_dirty"] == .integer(1) ? " with uncommitted changes" : "")
      }
      func amount(_ column: String, _ format: String, per unit: Double = 1) -> String? {
        table[i, column].number.map { String(format: format, $0 / unit) }
      }
      return (
        table.rows.count == 1 ? "Provenance" : "Provenance, process \(i + 1)",
        [
          ("command", text("argv")), ("code", code),
          (
            "program",
            [
              "Elbow \(text("elbow_version") ?? "")", text("instruction_set"), text("blas"),
              text("sqlite_version").map { "SQLite \($0)" },
            ].compactMap(\.self).joined(separator: ", ")
          ),
          (
            "machine",
            [
              text("host"), text("cpu"), counted("threads", "thread"),
              counted("batch", "image").map { "\($0) at once" },
            ].compactMap(\.self).joined(separator: ", ")
          ),
          ("started", text("started_at").map(times.moment)),
          ("ended", text("ended_at").map(times.moment)),
          ("wall seconds", table[i, .wallSeconds].map { String(format: "%.1f", $0) }),
          ("CPU seconds", table[i, .cpuSeconds].map { String(format: "%.1f", $0) }),
          ("peak memory", amount("peak_memory", "%.0f MiB", per: 1_048_576)),
          ("energy", amount("energy", "%.4g J")),
          ("energy of the GPU", amount("gpu_energy", "%.4g J")),
          ("peak memory of the GPU", amount("gpu_memory", "%.0f MiB", per: 1_048_576)),
        ]
      )
    }
  }

  /// How often one class was taken for another; rows are true classes.
  func confusion() throws -> ResultTable {
    let names =
      (try? JSONDecoder().decode(
        [String].self, from: Data((header[0, .classNames] ?? "[]").utf8))) ?? []
    let counts = try store.query(.confusion(of: id))
    var cells = [[Int]](repeating: Array(repeating: 0, count: names.count), count: names.count)
    for row in counts.rows {
      if case .integer(let y) = row[0], case .integer(let p) = row[1],
        case .integer(let n) = row[2],
        // A damaged file may name classes that there are not.
        let label = names.indices.first(where: { $0 == y }),
        let predicted = names.indices.first(where: { $0 == p })
      {
        cells[label][predicted] = Int(clamping: min(max(n, 0), 1 << 40))
      }
    }
    return ResultTable(
      columns: ["class"] + names.indices.map(String.init) + ["accuracy %"],
      rows: names.indices.map { y in
        let total = cells[y].reduce(0, +)
        return [.text("\(y) \(names[y])")]
          + cells[y].map { $0 == 0 ? .text("·") : .integer(Int64($0)) }
          + [
            total == 0
              ? .null : .text(RunSummary.percent(Double(cells[y][y]) / Double(total)))
          ]
      })
  }
}
