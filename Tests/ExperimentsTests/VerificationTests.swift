import Basics
import Evaluation
import Experiments
import Foundation
import GRDB
import Records
import RunStore
import TestSupport
import Testing

/// What is recorded is found to be right, and anything that is changed of it is found.
@Suite struct VerificationTests {
  /// Runs of every kind: strategies that ask all images the same or not, attacks, images of another
  /// run, classifiers without losses, replays, other programs'.
  private static func record(in store: RunStore, _ session: Session) throws {
    for values in [
      ["strategy": "halving:4x2,1x3"], ["strategy": "random:2", "draws": "2"],
      ["strategy": "racing:0.1", "reduction": "mean", "logit-scale": "3"],
      ["classifier": "cnn", "model": "fashion-mnist-cnn"],
    ] { _ = try run(small("3", values), in: session, store) }
    let full = try run(small("3"), in: session, store)
    let attacked = try attacked(in: store, session)
    var inputs = try small("3", ["strategy": "uniform:2"])
    inputs.inputsRun = attacked
    _ = try run(inputs, in: session, store)
    let replay = try RecordedLosses(full, store).replay(workers: session.workers) { _ in true }
    _ = try ReplayWriter(store).record(
      replay, replay.configuration(strategy: "uniform:2", weights: nil), labels: RunLabels(),
      in: session)
    let theirs = ExternalRun(id: ULID.make())
    try store.beginExternal(theirs)
    try store.endExternal(theirs.id, .finished, error: nil)
  }

  /// A run that has everything a run can have.
  private static func attacked(in store: RunStore, _ session: Session) throws -> String {
    try run(
      small(
        "3",
        [
          "classifier": "rdc", "attack": "pgd-margin", "attack-steps": "2", "epsilon": "0.1",
        ]), in: session, store)
  }

  @Test func whatIsRecordedIsRight() throws {
    let database = TemporaryDatabase()
    let session = Session(threads: 2)
    let store = try RunStore(database.path, for: .write)
    try Self.record(in: store, session)
    let result = try Verification(of: nil, in: store, session: session)
    #expect(result.findings == [])
    #expect(result.uncovered == [] && result.remarks == [])
    #expect(result.runs == 9 && result.predictions == 24)
    // Four levels, ten classes, three images: full twice, and parts of it.
    #expect(result.losses > 240)
  }

  // MARK: Changes

  /// Columns that are outside: labels, and when a run went to the trash.
  private static let outside = [
    "run.name", "run.run_group", "run.note", "run.deleted_at", "model.name",
  ]
  /// What findings name where a changed column is a key, or a checksum itself.
  private static let named = [
    "run.id": "run_total", "run_total.number": "run_input", "run_total.run_id": "run_total",
    "prediction.run": "run.status", "prediction.position": "prediction",
    "class_evidence.run": "class_evidence", "class_evidence.position": "class_evidence",
    "loss_blob.run": "loss_blob", "loss_blob.position": "loss_blob",
    "adversarial_image.run": "adversarial_image",
    "adversarial_image.position": "adversarial_image", "run_input.run": "run.images",
    "run_input.position": "rows", "run_input.input_id": "run_input", "input.id": "run_input",
    "source.id": "input", "input.source": "input", "input.checksum": "input",
    "run_timestep.run_id": "run_timestep", "session.run_id": "session",
    "model.sha256": "configuration", "configuration.fingerprint": "run",
    "run.fingerprint": "run", "configuration.model": "configuration",
    "prediction_checksum.run": "prediction_checksum",
    "prediction_checksum.position": "prediction_checksum",
    // SQLite makes other columns of these, and of an empty list more than a bit changes.
    "run.attack_json": "run", "configuration.json": "configuration", "session.argv": "session",
    "run_checksum.run": "run_checksum", "run_checksum.asked": "run",
    "run_checksum.configuration": "configuration", "run_checksum.models": "model",
    "run_checksum.timesteps": "run_timestep", "run_checksum.ended": "run",
    "run_checksum.sessions": "session", "run_checksum.predictions": "prediction_checksum",
  ]

  /// One bit is flipped in each column of a run's rows, one after the other.
  @Test func everyFlippedBitIsFound() throws {
    let folder = try TemporaryFolder()
    let session = Session(threads: 2)
    let store = try RunStore(folder.file("whole.db"), for: .write)
    _ = try Self.attacked(in: store, session)
    _ = try run(small("3", ["strategy": "halving:4x2,1x3"]), in: session, store)
    store.close()
    var tried = 0
    for (table, column) in try Self.columns(folder.file("whole.db"))
    where !Self.outside.contains("\(table).\(column)") {
      let copy = folder.file("copy.db")
      try? FileManager.default.removeItem(atPath: copy)
      try FileManager.default.copyItem(atPath: folder.file("whole.db"), toPath: copy)
      guard try Self.flip(column, of: table, in: copy) else { continue }
      tried += 1
      let name = "\(table).\(column)"
      let found = try Verification(
        of: nil, in: RunStore(copy, for: .read), session: session
      ).findings.map(\.what)
      let expected = Self.named[name] ?? name
      #expect(
        found.contains { $0 == name || $0.hasPrefix(expected) }, "\(name) changed, found \(found)")
    }
    #expect(tried > 100)
  }

  /// Columns of the tables that hold runs, but for those that SQLite makes of others.
  private static func columns(_ path: String) throws -> [(table: String, column: String)] {
    let tables = [
      "run", "run_total", "prediction", "class_evidence", "loss_blob", "adversarial_image",
      "run_input", "input", "source", "run_timestep", "session", "configuration", "model",
      "prediction_checksum", "run_checksum",
    ]
    return try DatabaseQueue(patient: path).read { db in
      try tables.flatMap { table in
        try String.fetchAll(
          db, sql: "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", arguments: [table]
        ).map { (table, $0) }
      }
    }
  }

  /// Flips a bit of one value that is not NULL, as no program would: without triggers and constraints.
  ///
  /// - Returns: whether there is such a value.
  private static func flip(_ column: String, of table: String, in path: String) throws -> Bool {
    let queue = try DatabaseQueue(patient: path)
    defer { try? queue.close() }
    return try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
      for trigger in try String.fetchAll(
        db, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger'")
      { try db.execute(sql: "DROP TRIGGER \(trigger)") }
      let keys = try db.primaryKey(table).columns
      let quoted = "\"\(column)\""
      guard
        let row = try Row.fetchOne(
          db,
          sql: "SELECT \(quoted), \(keys.joined(separator: ", ")) FROM \(table) "
            + "WHERE \(quoted) IS NOT NULL LIMIT 1")
      else { return false }
      let changed: any DatabaseValueConvertible =
        switch (row[0] as DatabaseValue).storage {
        // High enough to be no other key.
        case .int64(let value): value ^ (keys.contains(column) ? 1 << 20 : 1)
        // Sums are held to a billionth of themselves.
        case .double(let value):
          Double(bitPattern: value.bitPattern ^ (table == "run_total" ? 1 << 40 : 1))
        case .string(let text): flipped(text)
        case .blob(let data): Data(data.dropLast() + [(data.last ?? 0) ^ 1])
        case .null: 0
        }
      let condition = keys.map { "\($0) IS ?" }.joined(separator: " AND ")
      try db.execute(
        sql: "UPDATE \(table) SET \(quoted) = ? WHERE \(condition)",
        arguments: [changed] + StatementArguments(row.databaseValues.dropFirst()))
      return db.changesCount == 1
    }
  }

  /// The text with the lowest bit of its last letter or digit flipped.
  private static func flipped(_ text: String) -> String {
    var bytes = Array(text.utf8)
    let isWord = { (byte: UInt8) in
      Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber
    }
    if let last = bytes.lastIndex(where: isWord) { bytes[last] ^= 1 } else { bytes.append(0x61) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
