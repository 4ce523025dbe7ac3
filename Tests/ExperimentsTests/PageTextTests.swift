import Basics
import Foundation
import GRDB
import Records
import Reporting
import RunStore
import TestSupport
import Testing

/// What a person reads of recorded runs.
@Suite struct PageTextTests {
  /// The page of a run fits the terminal, and breaks words only where nothing else is left.
  @Test func runPagesFitTheTerminal() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try record(header(1), [prediction(0)], in: store)
    let page = try RunPage(
      run.id, store, times: TimeDisplay(now: Date(), zone: .gmt))
    let text = try page.text(width: 80)
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.allSatisfy { $0.cellWidth <= 80 }, "\(text)")
    // Hashes are whole.
    #expect(lines.contains { $0.hasSuffix("  " + run.model.sha256) }, "\(text)")
    #expect(text.contains("\"model\":\"\(run.model.sha256)\","), "\(text)")
    // Nothing is lost by wrapping.
    func letters(_ text: String) -> String { text.filter { !$0.isWhitespace } }
    #expect(letters(text) == letters(try page.text()))
  }

  /// The runs that do not fit together are named, not the first two.
  @Test func unpairedRunsAreNamed() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let runs = try [3, 3, 2].map { n in
      try record(header(n), (0..<n).map { prediction($0) }, in: store)
    }
    let comparison = try Comparison(runs.map(\.id), in: store)
    let error = try #require(throws: ElbowError.self) { try comparison.refuseUnequalInputs() }
    #expect(
      error.message.hasPrefix(
        "runs \(runs[0].id) and \(runs[2].id) have not classified the same images (3 and 2, 2 in both"
      ))
    try Comparison(runs[..<2].map(\.id), in: store).refuseUnequalInputs()
  }

  /// Of repeats the one counts that has what is asked for; why one has not is said.
  @Test func tradeOffsPreferWhatIsMeasured() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let runs = try (0..<3).map { _ in
      try record(header(2), [prediction(0), prediction(1)], in: store).id
    }
    func answer(_ axes: String) throws -> ParetoQuestion.Answer {
      try ParetoQuestion(axes: axes).answer(store, where: nil, isForReading: false)
    }
    let bare = try answer("energy,accuracy")
    #expect(bare.view.runs.rows.isEmpty)
    #expect(
      bare.notes.last?.hasPrefix("1 run without energy is left out: it is known where") == true)
    let queue = try DatabaseQueue(patient: database.path)
    try queue.write {
      try $0.execute(sql: "UPDATE session SET energy = 8 WHERE run_id = ?", arguments: [runs[0]])
    }
    try queue.close()
    #expect(try answer("energy,accuracy").view.runs[0, "id"] == .text(runs[0]))
    #expect(try answer("nfe,accuracy").view.runs[0, "id"] == .text(runs[2]))
    // A budget leaves no run out of the front, and buys none that does not tell its cost.
    func bought(_ budget: String) throws -> ParetoQuestion.Answer {
      try ParetoQuestion(axes: "nfe,accuracy", budget: budget)
        .answer(store, where: nil, isForReading: false)
    }
    let energy = try bought("20J")
    #expect(energy.choices[0].text.hasSuffix(", 4 J"), "\(energy.choices[0].text)")
    #expect(energy.notes == ["2 other repeats of the same questions are left out"])
    let gpu = try bought("20GPU-J")
    #expect(gpu.view.runs.rows.count == 1 && gpu.choices[0].row == nil)
  }

  /// A trade-off tells of the repeats that it leaves out, and shows its axes.
  @Test func tradeOffsTellOfRepeats() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    for _ in 0..<3 { try record(header(2), [prediction(0), prediction(1)], in: store) }
    let question = try ParetoQuestion(axes: "gradients,accuracy")
    let answer = try question.answer(store, where: nil, isForReading: true)
    #expect(answer.notes == ["2 older repeats of the same questions are left out"])
    let table = answer.view.table(all: true)
    #expect(answer.view.asked.allSatisfy(table.columns.contains))
    #expect(Measure.allCases.map(\.heading).count == Set(Measure.allCases.map(\.heading)).count)
    #expect(!answer.view.rows(all: true).columns.contains("older"))
  }
}
