import Basics
import Foundation
import GRDB
import Records
import RunStore
import TestSupport
import Testing

@Suite struct QuestionTests {
  private var question: Question {
    Question(
      configuration: configuration(), attack: nil, seed: 5, attackSeed: nil,
      inputs: header(2).inputs)
  }

  /// The bytes are those that the documentation tells.
  @Test func bytesAreAsDocumented() throws {
    var asked = question
    asked.attack = AttackConfiguration(name: "pgd", norm: .l2, epsilon: 0.5, steps: 7)
    asked.attackSeed = UInt64.max
    let hashes = asked.inputs.map(\.sha256)
    let text = """
      question 1
      \(try configuration().fingerprint())
      {"epsilon":0.5,"name":"pgd","norm":"l2","steps":7}
      5
      18446744073709551615
      "pets" "test" 10 0 \(hashes[0])
      "pets" "test" 11 1 \(hashes[1])

      """
    #expect(try asked.id() == SHA256.hexDigest(of: text))
    let clean = """
      question 1
      \(try configuration().fingerprint())
      null
      5
      null
      "pets" "test" 10 0 \(hashes[0])
      "pets" "test" 11 1 \(hashes[1])

      """
    #expect(try question.id() == SHA256.hexDigest(of: clean))
  }

  /// Whatever decides an answer makes another question; nothing else does.
  @Test func whatDecidesAnAnswerIsAsked() throws {
    let changes: [(inout Question) -> Void] = [
      { $0.configuration.strategy = "uniform:2" }, { $0.seed = 6 }, { $0.attackSeed = 0 },
      { $0.attack = AttackConfiguration(name: "pgd", norm: .l2, epsilon: 0.5) },
      { $0.attack = AttackConfiguration(name: "pgd", norm: .linf, epsilon: 0.5) },
      { $0.attack = AttackConfiguration(name: "pgd", norm: .l2, epsilon: 0.25) },
      { $0.attack = AttackConfiguration(name: "pgd", norm: .l2, epsilon: 0.5, steps: 7) },
      { $0.attack = AttackConfiguration(name: "pgd", norm: .l2, epsilon: 0.5, restarts: 7) },
      { $0.attack = AttackConfiguration(name: "pgd", norm: .l2, epsilon: 0.5, eot: 7) },
      { $0.inputs.removeLast() }, { $0.inputs.reverse() }, { $0.inputs[0].dataset = "pests" },
      { $0.inputs[0].split = "train" }, { $0.inputs[0].index = 1 }, { $0.inputs[0].label = 1 },
      { $0.inputs[0].sha256 = String(repeating: "0", count: 64) },
    ]
    let ids =
      try [question.id()]
      + changes.map { change in
        var changed = question
        change(&changed)
        return try changed.id()
      }
    #expect(Set(ids).count == changes.count + 1)
    var described = header(2)
    described.labels.name = "other"
    described.recordsLosses = false
    described.replayOf = ULID.make()
    described.inputsRun = ULID.make()
    #expect(try described.question.id() == question.id())
  }

  @Test func attacksComeBackFromWhatIsKept() throws {
    let attacks = [
      AttackConfiguration(name: "a", norm: .linf, epsilon: 8.0 / 255),
      AttackConfiguration(name: "b", norm: .l2, epsilon: 1, steps: 3, restarts: 2, eot: 4),
    ]
    for attack in attacks {
      #expect(try AttackConfiguration(json: attack.canonicalJSON()) == attack)
    }
    #expect(try attacks[1].canonicalJSON().contains("\"eot\":4"))
    #expect(try !attacks[0].canonicalJSON().contains("eot"))
    // As requests are stored, with every field.
    let whole = try JSONValue(encoding: attacks[0]).canonical
    #expect(try AttackConfiguration(json: whole) == attacks[0])
    #expect(throws: DecodingError.self) { try AttackConfiguration(json: "[]") }
  }

  /// What the JSON leaves out stands in the columns at its default.
  @Test func columnsAreGenerated() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let attack = AttackConfiguration(name: "pgd", norm: .linf, epsilon: 8.0 / 255, steps: 7)
    let live = try record(header(1, attack: attack), [prediction(0)], in: store)
    let shown = try store.readOnly(
      """
      SELECT attack_json, attack, norm, epsilon = 8.0 / 255, attack_steps, restarts, eot, gradient
      FROM run
      """)
    #expect(
      shown.rows == [
        [
          .text(try attack.canonicalJSON()), .text("pgd"), .text("linf"), .integer(1), .integer(7),
          .integer(1), .integer(1), .text("bpda"),
        ]
      ])
    let columns = try store.readOnly(
      """
      SELECT classifier, loss, reduction, logit_scale, noise, share_timesteps, antithetic, draws,
        strategy, lm, prior FROM configurations
      """)
    #expect(
      columns.rows == [
        [
          .text("dc"), .text("squared"), .text("sum"), .real(1), .text("shared"), .integer(0),
          .integer(0), .integer(1), .text("full"), .null, .null,
        ]
      ])
    #expect(try store.recordedHeader(live.id).attack == attack)
    // Fields without a column of their own can be asked for too.
    #expect(try store.query("runs", where: RowFilter("prior IS NULL")).rows.count == 1)
  }

  /// Whatever asked the same is found, and only where losses are there when they are wanted.
  @Test func precedentsAskTheSame() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var without = header(2)
    without.recordsLosses = false
    var answer = prediction(0)
    answer.losses = nil
    try record(without, [answer], in: store)
    let asked = header(2)
    #expect(try store.precedents(of: asked, code: CurrentCode()).isEmpty)
    let with = try record(header(2), [prediction(0)], in: store)
    #expect(try store.precedents(of: asked, code: CurrentCode()).map(\.id) == [with.id])
    #expect(
      try store.precedents(of: without, code: CurrentCode()).map(\.id) == [with.id, without.id])
    for other in [header(3), header(2, strategy: "uniform:1")] {
      #expect(try store.precedents(of: other, code: CurrentCode()).isEmpty)
    }
    let plan = try DatabaseQueue(patient: database.path).read { db in
      try String.fetchAll(
        db, sql: "EXPLAIN QUERY PLAN SELECT id FROM run WHERE question = 'x'",
        adapter: SuffixRowAdapter(fromIndex: 3))
    }
    #expect(plan.contains { $0.contains("run_by_question") }, "\(plan)")
  }
}
