import Basics
import Foundation
import Records
import Statistics

extension RunSummary {
  /// A recorded command line, the program without its folder.
  ///
  /// - Parameter argv: its words, as a JSON array.
  package static func command(_ argv: String) -> String {
    let words = (try? JSONDecoder().decode([String].self, from: Data(argv.utf8))) ?? []
    let program = words.first?.split(separator: "/").last.map(String.init) ?? "elbow"
    return ([program] + words.dropFirst().map { $0.contains(" ") ? "'\($0)'" : $0 })
      .joined(separator: " ")
  }

  /// Columns that may tell runs apart, in the order in which a label names them.
  static let telling = [
    "dataset", "classifier", "model", "strategy", "grid", "weights", "noise", "loss", "reduction",
    "lm", "attack", "seed", "images",
  ]

  /// A name for every run: its own, or else what the runs differ in, or its short id.
  ///
  /// - Parameter runs: rows of the view `runs`, or of a query with some of its columns.
  package static func labels(_ runs: ResultTable) -> [String] {
    let columns = telling.filter(runs.columns.contains)
    func differing(_ rows: [Int]) -> [String] {
      columns.filter { column in Set(rows.map { text(runs, $0, column) }).count > 1 }
    }
    let inAll = differing(Array(runs.rows.indices))
    return runs.rows.indices.map { i in
      let name = runs.columns.contains("name") ? runs[i, .name] : nil
      // A name that several runs have is not enough.
      let words =
        name.map { name in
          [name]
            + differing(runs.rows.indices.filter { runs[$0, .name] == name })
            .map { text(runs, i, $0) }
        } ?? inAll.map { text(runs, i, $0) }
      let label = words.filter { !$0.isEmpty }.joined(separator: ", ")
      guard label.isEmpty else { return label }
      return runs.columns.contains("id") ? short(runs[i, "id"]) : classifier(runs, i)
    }
  }

  /// The beginning of an id that a person is shown.
  static func short(_ id: Cell) -> String { String((id.string ?? "").prefix(shortID)) }

  private static func text(_ runs: ResultTable, _ row: Int, _ column: String) -> String {
    switch column {
    case "classifier": classifier(runs, row)
    case "attack": runs.columns.contains("inputs_run") ? attack(runs, row) : ""
    case "seed": "seed \(runs[row, "seed"].text(null: ""))"
    case "images": runs.count(row, "images").counted("image")
    case "model": modelName(runs[row, .model] ?? "")
    // What weighs no losses has neither.
    case "grid", "weights", "strategy", "noise", "loss", "reduction", "lm":
      column == "lm" ? "" : runs[row, column].text(null: "")
    default: runs[row, column].text(null: "")
    }
  }

  /// A model's file without its folder and ending.
  package static func modelName(_ name: String) -> String {
    let file = name.split(separator: "/").last.map(String.init) ?? name
    return file.hasSuffix(".safetensors") ? String(file.dropLast(".safetensors".count)) : file
  }

  /// As `89.4 (86.4–91.8)`, in percent.
  static func interval(_ right: Int, of n: Int) -> String {
    let interval = WilsonInterval(successes: right, of: n)
    return "\(percent(Double(right) / Double(n))) (\(percent(interval.low))–"
      + "\(percent(interval.high)))"
  }

  /// As `n = 500`, or `n = 50 to 500`.
  static func count(_ values: some Sequence<Int>) -> String {
    let sorted = Set(values).sorted()
    guard let least = sorted.first, let most = sorted.last else { return "n = 0" }
    return least == most ? "n = \(least)" : "n = \(least) to \(most)"
  }

  /// As `n = 500 images`, or `n = 1 image`.
  static func images(_ values: some Collection<Int>) -> String {
    "\(count(values)) \(values.allSatisfy { $0 == 1 } ? "image" : "images")"
  }
}

extension Figure.Point {
  /// A share in percent with Wilson's interval.
  init(_ x: Double, _ right: Double, of n: Int) {
    let interval = WilsonInterval(share: right / Double(n), of: n)
    self.init(x, 100 * right / Double(n), 100 * interval.low, 100 * interval.high)
  }
}

extension ResultTable {
  /// A cell as a whole number; 0 where it is none.
  func count(_ row: Int, _ column: String) -> Int { Int(nearest: self[row, column].number ?? 0) }
}
