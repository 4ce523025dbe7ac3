import Attacks
import Basics
import Classifiers
import Datasets
import Evaluation
import Experiments
import Records
import RunStore
import TestSupport
import Testing

/// Attacks as runs carry them out, and what the record makes of them.
@Suite struct VerdictsOfRunsTests {
  private let session = Session(threads: 2)
  private static let network = ["classifier": "cnn", "model": "fashion-mnist-cnn-pgd-linf-0.1"]

  private func cnn(_ images: String, _ values: [String: String]) throws -> RunRequest {
    var all = Self.network
    all["images"] = images
    return try RequestKeys.request(all.merging(values) { $1 })
  }

  private func column(_ sql: String, _ store: RunStore) throws -> [Cell] {
    try store.readOnly(sql).rows.map { $0[0] }
  }

  /// A classifier that draws noise answers the final image again; one that does not is not asked.
  @Test func finalImagesAreClassifiedAgain() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let usual = try RequestKeys.request(["attack": "fgsm"])
    #expect(usual.attack?.redraws == 10 && usual.attack?.choiceDraws == 10)
    let request = try small("6", ["attack": "fgsm", "redraws": "4", "choice-draws": "0"])
    let id = try run(request, in: session, store)
    let plan = try #require(try? store.query("attack-summary", ["run": id]))
    #expect(plan[0, "redraws"] == .integer(4))
    let rows = try store.readOnly(
      "SELECT attacked, redraws, redraws_correct, redraws_majority = label FROM prediction "
        + "JOIN run_input USING (run, position) JOIN input ON input.id = input_id ORDER BY position"
    ).rows
    let known = try rows.filter { $0[0] == .integer(1) }.map { row in
      let right = try #require(row[2].number)
      // A tie of two classes would be none; of more than half it is a majority.
      if right > 2 { #expect(row[3] == .integer(1)) }
      return right
    }
    #expect(!known.isEmpty && known.allSatisfy { (0...4).contains($0) })
    #expect(rows.filter { $0[0] == .integer(0) }.allSatisfy { $0[1] == .null })
    let share = known.reduce(0) { $0 + $1 / 4 } / Double(rows.count)
    #expect(
      try column("SELECT mean_of_draws FROM robustness", store).compactMap(\.number)
        .map { abs($0 - share) < 1e-12 } == [true])

    let plain = try cnn("2", ["attack": "fgsm"])
    #expect(plain.attack?.redraws == 0 && plain.attack?.choiceDraws == 0)
    for key in ["redraws", "choice-draws"] {
      #expect(message { _ = try cnn("2", ["attack": "fgsm", key: "3"]) }.contains("draws noise"))
    }
    let shift = try small("1", ["attack": "corruption-noise"])
    #expect(shift.attack?.redraws == 0)
  }

  /// Each attack of several comes over what those before it left, and the record says which broke
  /// an image.
  @Test func attacksComeOneAfterTheOther() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let common = ["epsilon": "0.3"]
    let names = ["fgsm", "pgd-margin"]
    let alone = try names.map { name in
      var values = common.merging(["attack": name]) { $1 }
      if name != "fgsm" { values["attack-steps"] = "40" }
      let id = try run(cnn("30", values), in: session, store)
      return Set(
        try column(
          "SELECT image_index FROM predictions WHERE run_id = '\(id)' AND attacked AND NOT correct",
          store))
    }
    try #require(!alone[0].isEmpty && !alone[1].subtracting(alone[0]).isEmpty)
    let id = try run(
      cnn("30", common.merging(["attack": "fgsm+pgd-margin"]) { $1 }), in: session, store)
    let broken = try store.readOnly(
      "SELECT image_index, broken_by FROM attempts WHERE run_id = '\(id)' AND broken_by NOT NULL"
    ).rows
    #expect(Set(broken.filter { $0[1] == .text("fgsm") }.map { $0[0] }) == alone[0])
    #expect(
      Set(broken.filter { $0[1] == .text("pgd-margin") }.map { $0[0] })
        == alone[1].subtracting(alone[0]))
    let counts = try store.query("broken-by", ["run": id])
    #expect(counts.rows.compactMap { $0[1].number }.reduce(0, +) == Double(broken.count))
  }

  /// A shift comes over images that are wrong without it as well, and may set them right.
  @Test func shiftsComeOverEveryImage() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let id = try run(
      cnn("40", ["attack": "corruption-contrast", "epsilon": "1"]), in: session, store)
    let rows = try store.readOnly(
      "SELECT attacked, clean_predicted = label, correct, predicted = label FROM predictions "
        + "WHERE run_id = '\(id)'"
    ).rows
    #expect(rows.allSatisfy { $0[0] == .integer(1) && $0[2] == $0[3] })
    #expect(rows.contains { $0[1] == .integer(0) })
    let n = rows.count { $0[2] == .integer(1) }
    #expect(try column("SELECT n_robust FROM robustness", store) == [.integer(Int64(n))])
  }

  /// Two attacked runs before each other's classifiers: run once, on the images that were attacked.
  @Test func transferIsRunOnce() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let values = ["attack": "fgsm", "epsilon": "0.1"]
    let first = try run(cnn("12", values), in: session, store)
    let second = try run(
      cnn("12", values.merging(["model": "fashion-mnist-cnn"]) { $1 }), in: session, store)
    let transfer = try Transfer(of: [first, second], in: store)
    #expect(transfer.cells.count == 2)
    func plan() throws -> SweepPlan {
      try SweepPlan(
        transfer.cells, constants: [], Experiment(RunRequest()), in: session, reading: store,
        again: false)
    }
    var sweep = Sweep(try plan())
    try sweep.run(in: session, into: store) {
      false
    } finished: { _ in
    }
    #expect(sweep.failures.isEmpty)
    #expect(try plan().cells.allSatisfy { if case .done = $0.state { true } else { false } })
    let answers = try transfer.answers(in: store)
    #expect(answers.rows.count == 4)
    for row in answers.rows.indices {
      let made = try #require(answers[row, "made_by"].string)
      let attacked = try column(
        "SELECT count(*) FROM predictions WHERE run_id = '\(made)' AND attacked", store)
      #expect([answers[row, "n"]] == attacked)
    }
    let matrix = try transfer.matrix(in: store)
    #expect(matrix.rows.count == 2 && matrix.rows.allSatisfy { !$0.contains(.null) })
    #expect(message { _ = try Transfer(of: [first], in: store) }.contains("two attacked runs"))
    #expect(
      message { _ = try Transfer(of: [first, sweep.ids[0]], in: store) }.contains("no finished"))
  }
}
