import Basics
import Records
import Reporting
import Statistics

extension Robustness {
  /// One row a configuration and threat model, as numbers.
  public var table: ResultTable {
    var table = ResultTable(
      columns: [
        "configuration", "dataset", "split", "norm", "epsilon", "n", "clean", "accuracy",
        "accuracy_low", "accuracy_high", "verdict", "frozen", "mean_of_draws", "one_shot",
        "attacks", "weaknesses", "fingerprint",
      ], rows: [])
    func share(_ value: Double?) -> Basics.Cell { value.map { .real($0) } ?? .null }
    for row in rows {
      for threat in threats {
        guard let cell = row.cells[threat] else { continue }
        table.rows.append([
          .text(row.label), .text(row.dataset), .text(row.split), .text(threat.norm.rawValue),
          .real(threat.epsilon), .integer(Int64(cell.n)), share(cell.clean), .real(cell.accuracy),
          .real(cell.interval.low), .real(cell.interval.high), .text(cell.verdict.rawValue),
          share(cell.frozen), share(cell.draws), share(cell.oneShot),
          .text(cell.attacks.joined(separator: "; ")),
          .text(cell.weaknesses.map(\.rawValue).joined(separator: "; ")), .text(row.fingerprint),
        ])
      }
    }
    return table
  }

  /// One row a configuration, one column a threat model, for reading: accuracy in percent with its
  /// 95 % interval and n, the marks of what stands against it.
  package var matrix: ResultTable {
    ResultTable(
      columns: ["configuration", "clean %"] + threats.map(\.name),
      rows: rows.map { row in
        let largest = row.cells.values.max { $0.n < $1.n }
        let clean = largest?.clean.map { RunSummary.percent($0) }
        return [.text(row.label), clean.map { .text($0) } ?? .null]
          + threats.map { row.cells[$0].map { .text($0.text) } ?? .null }
      })
  }

  /// One row a configuration and threat model, for reading, with the marks of `matrix`.
  package var listing: ResultTable {
    var table = ResultTable(
      columns: [
        "configuration", "threat", "n", "clean %", "accuracy % (95 %)", "verdict", "F %", "M %",
        "marks", "attacks",
      ], rows: [])
    func percent(_ share: Double?) -> Basics.Cell {
      share.map { .text(RunSummary.percent($0)) } ?? .null
    }
    for row in rows {
      for threat in threats {
        guard let cell = row.cells[threat] else { continue }
        let (low, high) = (cell.interval.low, cell.interval.high)
        table.rows.append([
          .text(row.label), .text(threat.name), .integer(Int64(cell.n)), percent(cell.clean),
          .text(
            "\(RunSummary.percent(cell.accuracy)) (\(RunSummary.percent(low))–"
              + "\(RunSummary.percent(high)))"), .text(cell.verdict.rawValue),
          percent(cell.frozen), percent(cell.draws),
          .text(String(cell.weaknesses.map(\.letter))),
          .text(cell.attacks.joined(separator: "; ")),
        ])
      }
    }
    return table
  }

  /// Columns of `listing` that `legend` speaks of.
  package static let explained = ["n", "accuracy % (95 %)", "F %", "M %", "marks"]

  /// What the marks of `matrix` and `listing` mean, a line each.
  package var legend: [String] {
    let cells = rows.flatMap(\.cells.values)
    let found = Set(cells.flatMap(\.weaknesses))
    var lines = ["Accuracy in percent under the worst of all attacks (95 % interval), n images."]
    if cells.contains(where: { $0.verdict == .frozen || $0.verdict == .draws }) {
      lines.append(
        "F: the attacker knew the noise; M: mean over fresh draws; the headline is the lower.")
    }
    return lines
      + Weakness.allCases.filter(found.contains).map { "\($0.letter): \($0.rawValue)" }
  }
}

extension Robustness.Cell {
  /// As `63.0 (53–72) n=100 F63.0 M66.1 ade`.
  fileprivate var text: String {
    func whole(_ share: Double) -> String { "\(Int((100 * share).rounded()))" }
    var parts = [
      RunSummary.percent(accuracy), "(\(whole(interval.low))–\(whole(interval.high)))", "n=\(n)",
    ]
    if isRandomized, verdict == .frozen || verdict == .draws {
      parts += [
        frozen.map { "F\(RunSummary.percent($0))" }, draws.map { "M\(RunSummary.percent($0))" },
      ]
      .compactMap(\.self)
    }
    let marks = String(weaknesses.map(\.letter))
    return (parts + (marks.isEmpty ? [] : [marks])).joined(separator: " ")
  }
}
