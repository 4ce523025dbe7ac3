import Basics
import Foundation
import GRDB
import Migrations
import Records
import RunStore
import TestSupport
import Testing

/// Robust accuracy that is kept, and is taken back by whatever changes it.
@Suite struct RobustTotalsTests {
  /// Rows of a view, as they are and as they would be were nothing kept.
  private func bothWays(_ view: String, _ path: String) throws -> (kept: [String], anew: [String]) {
    let queue = try DatabaseQueue(patient: path)
    defer { try? queue.close() }
    var (kept, anew) = ([String](), [String]())
    try queue.writeWithoutTransaction { db in
      func rows() throws -> [String] {
        try Row.fetchAll(db, sql: "SELECT * FROM \(view)").map { "\($0)" }.sorted()
      }
      // Both of one state, whoever writes meanwhile.
      try db.inTransaction(.immediate) {
        kept = try rows()
        try db.execute(sql: "DELETE FROM robust_basis")
        anew = try rows()
        return .rollback
      }
    }
    return (kept, anew)
  }

  private func expectRight(_ path: String, _ what: Comment) throws {
    for view in ["robustness", "verdicts"] {
      let (kept, anew) = try bothWays(view, path)
      #expect(kept == anew, what)
    }
    #expect(try RunStore(path, for: .read).fileFindings() == [], what)
  }

  private func count(_ table: String, _ path: String) throws -> Int {
    let queue = try DatabaseQueue(patient: path)
    defer { try? queue.close() }
    return try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? -1 }
  }

  private func attacked(
    _ right: [Bool], _ classifier: Records.Configuration.Classifier = .dc, seed: UInt64 = 1,
    epsilon: Double = 0.1
  ) -> (RunHeader, [Prediction]) {
    var attack = AttackConfiguration(name: "apgd-ce", norm: .linf, epsilon: epsilon)
    attack.redraws = 3
    var header = header(right.count, attack: attack)
    header.configuration.classifier = classifier
    header.seed = seed
    let predictions = right.enumerated().map { i, right in
      var p = prediction(i, correct: right)
      let label = header.inputs[i].label
      var outcome = AttackOutcome(cleanPredicted: label)
      (outcome.attempted, outcome.image) = (true, [0.1, Float(i)])
      outcome.redraws = Redraws([label, right ? label : 1 - label, label], label: label)
      p.attack = outcome
      return p
    }
    return (header, predictions)
  }

  private func transferred(
    _ right: [Bool], from source: String, _ classifier: Records.Configuration.Classifier
  ) -> (RunHeader, [Prediction]) {
    var header = header(right.count)
    header.configuration.classifier = classifier
    header.inputsRun = source
    for i in right.indices {
      header.inputs[i].sha256 = SHA256.hexDigest(of: "\(source) \(i)")
    }
    return (header, right.enumerated().map { prediction($0, correct: $1) })
  }

  /// Records runs in a file whose totals are kept when it is closed.
  private func record(_ runs: [(RunHeader, [Prediction])], _ path: String) throws {
    let store = try RunStore(path, for: .write)
    for (header, predictions) in runs { try TestSupport.record(header, predictions, in: store) }
    store.close()
  }

  /// Every change of a row that verdicts read takes back what they were kept as, and only that of the
  /// configurations that it concerns; what is read is always what would be worked out.
  @Test func changesTakeBackWhatIsKept() throws {
    let database = TemporaryDatabase()
    let path = database.path
    let maker = attacked([true, false, true, false])
    let other = attacked([true, true, false, true], .cnn)
    let moved = transferred([false, true, true, true], from: maker.0.id, .cnn)
    try record([maker, other, moved], path)
    #expect(try count("robust_total", path) == 2)
    #expect(try count("robust_verdict", path) == 8)
    // Two configurations; the second answers two runs, one of them on images of the first.
    #expect(try count("robust_basis", path) == 4)
    try expectRight(path, "kept")

    let number = { (id: String) in "(SELECT number FROM run_total WHERE run_id = '\(id)')" }
    let (a, b, c) = (maker.0.id, other.0.id, moved.0.id)
    // How many runs stay in the basis: none, or those of one configuration.
    let changes: [(String, left: Int)] = [
      ("UPDATE prediction SET correct = 0 WHERE run = \(number(b)) AND position = 0", 1),
      ("UPDATE prediction SET redraws_correct = 0 WHERE run = \(number(b)) AND position = 1", 1),
      ("UPDATE prediction SET attacked = 0 WHERE run = \(number(a)) AND position = 1", 0),
      ("DELETE FROM prediction WHERE run = \(number(c)) AND position = 3", 1),
      ("UPDATE run SET deleted_at = 'now' WHERE id = '\(c)'", 1),
      ("UPDATE run SET deleted_at = NULL WHERE id = '\(c)'", 1),
      ("UPDATE run SET status = 'interrupted' WHERE id = '\(b)'", 1),
      ("UPDATE run SET status = 'crashed' WHERE id = '\(b)'", 4),
      ("UPDATE run SET status = 'finished' WHERE id = '\(b)'", 1),
      ("UPDATE run SET seed = 77 WHERE id = '\(a)'", 0),
      ("UPDATE run SET attack_json = replace(attack_json, '0.1', '0.3') WHERE id = '\(a)'", 0),
      ("UPDATE run SET name = 'mine', note = 'more' WHERE id = '\(a)'", 4),
      ("UPDATE input SET label = 1 - label WHERE image_index = 11", 0),
      (
        "UPDATE run_input SET input_id = (SELECT max(id) FROM input) WHERE run = \(number(b)) AND position = 0",
        1
      ),
      ("DELETE FROM run WHERE id = '\(c)'", 1),
      ("DELETE FROM run WHERE id = '\(a)'", 1),
    ]
    for (change, left) in changes {
      try database.execute(change)
      #expect(try count("robust_basis", path) == left, "\(change)")
      try expectRight(path, "\(change)")
      // Whoever writes next keeps them again.
      try RunStore(path, for: .write).close()
      #expect(
        try count("robust_basis", path)
          == count("run JOIN configuration USING (fingerprint)", path)
          + count("run AS made JOIN run AS maker ON maker.id = made.inputs_run", path),
        "\(change)")
      try expectRight(path, "\(change), kept again")
    }
  }

  /// Runs that are added, taken up again, thrown away, deleted and merged.
  @Test func recordingKeepsWhatIsRight() throws {
    let database = TemporaryDatabase()
    let second = TemporaryDatabase()
    let path = database.path
    let first = attacked([true, false, true])
    try record([first], path)
    let store = try RunStore(path, for: .write)
    // While it runs, it is no attempt.
    let more = attacked([false, true, true], seed: 2)
    let writer = RunWriter(store)
    try writer.receive(.started(more.0))
    try writer.receive(.predicted(more.1[0]))
    #expect(try count("robust_basis", path) == 0)
    try expectRight(path, "under way")
    try writer.receive(
      .ended(RunEnding(status: .interrupted, wallSeconds: 1, cpuSeconds: 1, peakMemory: 1)))
    store.close()
    #expect(try count("robust_basis", path) == 2)
    let again = try RunStore(path, for: .write)
    let resumed = RunWriter(again)
    try resumed.receive(.resumed(more.0))
    for p in more.1.dropFirst() { try resumed.receive(.predicted(p)) }
    try resumed.receive(.ended(ending))
    try expectRight(path, "resumed")
    again.close()
    #expect(
      try RunStore(path, for: .read).readOnly("SELECT n, seeds FROM robustness").rows
        == [[.integer(3), .integer(2)]])
    // Another file's runs.
    try record(
      [attacked([false, false, true], .cnn), attacked([true, true, true], seed: 3)], second.path)
    let target = try RunStore(path, for: .write)
    _ = try target.merge(second.path)
    try expectRight(path, "merged")
    _ = try target.trash([first.0.id])
    try expectRight(path, "in the trash")
    _ = try target.collect(dryRun: false)
    try expectRight(path, "deleted")
    target.close()
    try expectRight(path, "kept again")
    #expect(try count("robust_basis", path) == 3)
  }

  /// What other views worked out may be another number.
  @Test func newViewsTakeBackWhatIsKept() throws {
    let database = TemporaryDatabase()
    let path = database.path
    try record([attacked([true, false, true])], path)
    #expect(try count("robust_basis", path) == 1)
    let later = Views(number: Views.current.number + 1, Views.current.all)
    _ = try RunStore(path, for: .read, schema: Schema(Migrations.all, views: later))
    #expect(try count("robust_basis", path) == 0)
    try expectRight(path, "of later views")
  }

  /// What is kept is held against what it should be.
  @Test func editsOfWhatIsKeptAreFound() throws {
    let database = TemporaryDatabase()
    let path = database.path
    try record([attacked([true, false, true, false])], path)
    try database.execute("UPDATE robust_total SET n_robust = 4")
    try database.execute("UPDATE robust_verdict SET share = 1 WHERE image = 2")
    let findings = try RunStore(path, for: .read).fileFindings()
    #expect(
      findings.map { $0.what.prefix { $0 != " " } } == [
        "robust_total.n_robust", "robust_verdict.share",
      ])
    try database.execute("DELETE FROM robust_total")
    #expect(try !RunStore(path, for: .read).fileFindings().isEmpty)
  }
}
