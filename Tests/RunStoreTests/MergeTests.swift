import Basics
import Foundation
import GRDB
import Migrations
import Records
import RunStore
import TestSupport
import Testing

/// Several files become one that has all that they had, each thing once.
@Suite struct MergeTests {
  /// All that a file says, sorted: without the numbers that each file gives its rows.
  private static func content(_ path: String) throws -> [String: [[Cell]]] {
    let store = try RunStore(path, for: .read)
    let statements = [
      "run": "SELECT * FROM run", "every_run": "SELECT * FROM every_run",
      "run_total": "SELECT run_id, n, n_correct, nfe, gradients, seconds, attack_nfe, "
        + "attack_gradients, attack_seconds, accuracy_low FROM run_total",
      "predictions": """
      SELECT run_id, position, dataset, split, image_index, label, sha256, predicted, correct, nfe,
        seconds, movement_max, clean_predicted, attacked, attack_loss, attack_linf, attack_l2
      FROM predictions
      """,
      // An image stands for what its group of rows has in common.
      "images": """
      SELECT dataset, split, image_index, label, hex(input.sha256), (
        SELECT min(hex(sha256)) FROM input AS same WHERE same.image = input.image),
        (SELECT count(*) FROM input AS same WHERE same.image = input.image), checksum
      FROM input JOIN source ON source.id = input.source
      """,
      "class_elbo": "SELECT * FROM class_elbo",
      "loss": "SELECT run_id, position, hex(\"values\"), hex(places) FROM loss",
      "pixels": "SELECT run_id, position, hex(pixels), sha256 FROM adversarial_images",
      "run_timestep": "SELECT * FROM run_timestep", "session": "SELECT * FROM session",
      "run_tag": "SELECT * FROM run_tag", "configuration": "SELECT * FROM configuration",
      "model": "SELECT * FROM model", "code_diff": "SELECT * FROM code_diff",
      "metrics": """
      SELECT run_id, training_id, name, points, step, arrival, value, logged_at
      FROM metric_series JOIN metric_point ON series_id = id
      """,
      "training": "SELECT * FROM training", "training_session": "SELECT * FROM training_session",
      "prediction_checksum": """
      SELECT run_id, position, answer, evidence, losses, places, pixels
      FROM prediction_checksum JOIN run_total ON number = run
      """,
      "run_checksum": """
      SELECT run_id, asked, configuration, models, timesteps, ended, sessions, predictions
      FROM run_checksum JOIN run_total ON number = run
      """,
    ]
    return try statements.mapValues { sql in
      try store.readOnly(sql).rows.sorted { "\($0)" < "\($1)" }
    }
  }

  /// A file with a run of each kind, its metrics, a training, and a run in the trash.
  ///
  /// - Parameter first: number of the first image, so that files have some in common.
  private static func fill(_ path: String, first: Int, shares maker: RunHeader? = nil) throws {
    let store = try RunStore(path, for: .write)
    defer { store.close() }
    func run(_ count: Int, attack: AttackConfiguration? = nil) -> RunHeader {
      var header = header(count, attack: attack)
      header.inputs = (0..<count).map { i in
        InputRecord(
          dataset: "pets", split: "test", index: first + i, label: i % 2,
          sha256: SHA256.hexDigest(of: "\(first + i)"))
      }
      return header
    }
    func answer(_ position: Int) -> Prediction { prediction(position, correct: position % 2 == 1) }
    let clean = try record(run(4), (0..<4).map(answer), in: store)
    let attack = AttackConfiguration(name: "fgsm", norm: .linf, epsilon: 0.5)
    var attacked = answer(1)
    attacked.attack = AttackOutcome(cleanPredicted: 1)
    attacked.attack?.attempted = true
    attacked.attack?.image = [0.25, Float(first) / 64]
    let made = try record(run(2, attack: attack), [answer(0), attacked], in: store)
    var taken = run(2)
    taken.inputsRun = made.id
    taken.inputs = try store.recordedRun(made.id).finalInputs
    try record(taken, (0..<2).map(answer), in: store)
    var sparse = answer(0)
    sparse.losses = .sparse([.init(draw: 0, timestep: 2, label: 1, value: Float(first))])
    let gone = try record(run(1), [sparse], in: store)
    _ = try store.trash([gone.id])
    var metrics = MetricWriter(store, run: clean.id)
    try metrics.log(["loss": 0.5, "rate": .nan], step: 3)
    try metrics.log(["loss": 0.25], step: 3)
    try metrics.flush()
    let training = try TrainingWriter(
      store,
      TrainingHeader(
        id: ULID.make(), kind: "diffusion", recipe: "{}", dataset: "pets",
        datasetSHA256: SHA256.hexDigest(of: "pets"), initialSHA256: nil, steps: 2, firstStep: 0,
        modelPath: "m", threads: 1, blas: "b", instructionSet: "i", arguments: ["elbow"]))
    try training.log([TrainingMetric(step: 1, name: "loss", value: 0.125)])
    try training.finish(ending, model: SHA256.hexDigest(of: "m"))
  }

  private static func files(_ folder: TemporaryFolder) throws -> [String] {
    // The second has images in common with the first and with the third.
    try [0, 2, 4].enumerated().map { number, first in
      let path = folder.file("part-\(number).db")
      try fill(path, first: first)
      return path
    }
  }

  @Test func nothingIsLostAndNothingIsThereTwice() throws {
    let folder = try TemporaryFolder()
    let parts = try Self.files(folder)
    let all = folder.file("all.db")
    let merged = try RunStore.merge(parts, into: all)
    #expect(merged.map(\.runs) == [4, 4, 4] && merged.map(\.trainings) == [1, 1, 1])
    #expect(merged.allSatisfy { $0.apart.isEmpty && $0.known == 0 })
    let whole = try Self.content(all)
    for (name, rows) in whole where name != "images" {
      let sum = try parts.flatMap { try Self.content($0)[name] ?? [] }
      // What is known by what it is is there once.
      let expected = Set(sum).sorted { "\($0)" < "\($1)" }
      #expect(rows == expected, "\(name)")
      let isShared = ["model", "configuration", "code_diff"].contains(name)
      #expect(isShared || rows.count == sum.count, "\(name)")
    }
    // 0…3, 2…5 and 4…7, and an attacked image of each.
    #expect(whole["images"]?.count == 8 + 3)
    let store = try RunStore(all, for: .read)
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
    for id in try store.everyRunID() {
      #expect(try store.findings(of: id) == [])
    }
  }

  @Test func twiceIsOnceAndOrderIsNoMatter() throws {
    let folder = try TemporaryFolder()
    let parts = try Self.files(folder)
    let (forth, back) = (folder.file("forth.db"), folder.file("back.db"))
    _ = try RunStore.merge(parts, into: forth)
    _ = try RunStore.merge(parts.reversed(), into: back)
    let once = try Self.content(forth)
    #expect(try Self.content(back) == once)
    let again = try RunStore.merge(parts + [back], into: forth)
    #expect(again.map(\.runs) == [0, 0, 0, 0] && again.map(\.known) == [5, 5, 5, 15])
    #expect(again.allSatisfy { $0.apart.isEmpty })
    #expect(try Self.content(forth) == once)
  }

  /// What an image was made from is known after the merge if one file knows it, in any order.
  @Test func originsAreFoundInAnyOrder() throws {
    let folder = try TemporaryFolder()
    let (knowing, ignorant) = (folder.file("knowing.db"), folder.file("ignorant.db"))
    try Self.fill(knowing, first: 0)
    let store = try RunStore(knowing, for: .read)
    let id = try #require(
      try store.readOnly("SELECT id FROM run WHERE inputs_run IS NOT NULL").rows.first?[0].string)
    var alone = header(2)
    alone.inputs = try store.recordedRun(id).inputs
    let other = try RunStore(ignorant, for: .write)
    try record(alone, (0..<2).map { prediction($0, correct: $0 == 1) }, in: other)
    other.close()
    let (a, b) = (folder.file("a.db"), folder.file("b.db"))
    _ = try RunStore.merge([knowing, ignorant], into: a)
    _ = try RunStore.merge([ignorant, knowing], into: b)
    #expect(try Self.content(a) == Self.content(b))
    let images = try RunStore(b, for: .read).readOnly(
      "SELECT count(DISTINCT image) FROM predictions WHERE image_index = 1")
    #expect(images.rows == [[.integer(1)]])
  }

  @Test func sourcesAreOnlyRead() throws {
    let folder = try TemporaryFolder()
    let parts = try Self.files(folder)
    let before = try parts.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    _ = try RunStore.merge(parts, into: folder.file("all.db"))
    #expect(try parts.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == before)
    let after = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { !$0.hasPrefix("all.db") }.sorted()
    #expect(after == names)
  }

  // MARK: What is left apart

  @Test func runsThatDifferAreLeftApart() throws {
    let folder = try TemporaryFolder()
    let (ours, theirs) = (folder.file("ours.db"), folder.file("theirs.db"))
    try Self.fill(ours, first: 0)
    try FileManager.default.copyItem(atPath: ours, toPath: theirs)
    let queue = try DatabaseQueue(patient: theirs)
    try queue.write { db in
      // A loss of the attacked run; the run on its images is gone here, so that it would be fresh.
      try db.execute(
        sql: """
          UPDATE loss_blob SET "values" = x'00000000' WHERE position = 1 AND run = (
            SELECT number FROM run_total JOIN run ON id = run_id WHERE attack IS NOT NULL);
          UPDATE run SET note = 'theirs' WHERE attack IS NULL AND inputs_run IS NULL
            AND deleted_at IS NULL
          """)
    }
    try queue.close()
    let mine = try DatabaseQueue(patient: ours)
    try mine.write { try $0.execute(sql: "DELETE FROM run WHERE inputs_run IS NOT NULL") }
    try mine.close()
    let before = try Self.content(ours)
    let merged = try RunStore.merge([theirs], into: ours)[0]
    #expect(merged.runs == 0 && merged.known == 2)
    let reasons = Dictionary(grouping: merged.apart, by: \.reason)
    #expect(reasons[.content]?.map(\.what) == ["loss_blob"])
    #expect(reasons[.labels]?.map(\.what) == ["labels"])
    #expect(reasons[.maker]?.map(\.what) == reasons[.content]?.map(\.id))
    #expect(try Self.content(ours) == before)
  }

  private static let known = ModelRecord(
    sha256: String(repeating: "b", count: 64), name: "big", dtype: "F32", parameters: 9,
    architecture: "{\"width\":4}")

  /// Files with a run each: one whose model is `known`, and one that tells of the model that moves its
  /// images what is given.
  private static func files(
    _ folder: TemporaryFolder, moving: ModelRecord
  ) throws -> (whole: String, part: String) {
    var clean = header(1)
    clean.model = known
    clean.configuration.model = known.sha256
    var moved = header(1)
    moved.configuration.lmModel = moving.sha256
    moved.lmModel = moving
    return try (
      write(clean, folder.file("whole.db")), write(moved, folder.file("part.db"))
    )
  }

  private static func write(_ run: RunHeader, _ path: String) throws -> String {
    let store = try RunStore(path, for: .write)
    defer { store.close() }
    try record(run, [prediction(0, correct: false)], in: store)
    return path
  }

  /// What one file knows of a model, both know then, and no run is found changed for it.
  @Test(arguments: [true, false]) func modelsAreKnownByTheirHash(wholeFirst: Bool) throws {
    let folder = try TemporaryFolder()
    let files = try Self.files(folder, moving: .unknown(Self.known.sha256))
    let (ours, theirs) = wholeFirst ? (files.whole, files.part) : (files.part, files.whole)
    #expect(try RunStore.merge([theirs], into: ours)[0].runs == 1)
    let again = try RunStore.merge([theirs], into: ours)[0]
    #expect(again.runs == 0 && again.known == 1 && again.apart.isEmpty)
    let store = try RunStore(ours, for: .read)
    let model = try store.readOnly(
      "SELECT name, dtype, parameters, architecture FROM model WHERE sha256 LIKE 'b%'")
    #expect(
      model.rows == [[.text("big"), .text("F32"), .integer(9), .text(Self.known.architecture)]])
    for run in try store.readOnly("SELECT id FROM run").rows {
      #expect(try store.findings(of: run[0].string ?? "") == [])
    }
  }

  /// In one file too: the first run told only the hash.
  @Test func aLaterRunMayTellMoreOfAModel() throws {
    let folder = try TemporaryFolder()
    let path = try Self.files(folder, moving: .unknown(Self.known.sha256)).part
    let store = try RunStore(path, for: .write)
    defer { store.close() }
    let first = try store.readOnly("SELECT id FROM run").rows[0][0].string ?? ""
    var second = header(1)
    second.model = Self.known
    second.configuration.model = Self.known.sha256
    try record(second, [prediction(0, correct: false)], in: store)
    #expect(try store.recordedHeader(first).lmModel == Self.known)
    #expect(try store.findings(of: first) == [] && store.findings(of: second.id) == [])
  }

  /// Learning of a model does not make good what somebody changed.
  @Test(arguments: [true, false]) func whatWasChangedStaysFound(wholeFirst: Bool) throws {
    let folder = try TemporaryFolder()
    let files = try Self.files(folder, moving: .unknown(Self.known.sha256))
    let queue = try DatabaseQueue(patient: files.part)
    try queue.write { try $0.execute(sql: "UPDATE run_checksum SET models = 1") }
    try queue.close()
    let (ours, theirs) = wholeFirst ? (files.whole, files.part) : (files.part, files.whole)
    #expect(try RunStore.merge([theirs], into: ours)[0].runs == 1)
    let store = try RunStore(ours, for: .read)
    let changed = try store.readOnly(
      "SELECT id FROM run JOIN configuration USING (fingerprint) WHERE lm_model IS NOT NULL")
    #expect(try store.findings(of: changed.rows[0][0].string ?? "").map(\.what) == ["model"])
  }

  /// Two files that tell different things of one model cannot both be right.
  @Test func contestedModelsAreLeftApart() throws {
    let folder = try TemporaryFolder()
    var other = Self.known
    other.parameters = 8
    let files = try Self.files(folder, moving: other)
    let before = try Self.content(files.whole)
    let merged = try RunStore.merge([files.part], into: files.whole)[0]
    #expect(merged.runs == 0 && merged.apart.map(\.reason) == [.content])
    #expect(merged.apart.map(\.what) == ["model"])
    #expect(try Self.content(files.whole) == before)
  }

  @Test func runsAtWorkAreLeftForLater() throws {
    let folder = try TemporaryFolder()
    let (part, all) = (folder.file("part.db"), folder.file("all.db"))
    let store = try RunStore(part, for: .write)
    let writer = RunWriter(store)
    let run = header(2)
    try writer.receive(.started(run))
    let first = try RunStore.merge([part], into: all)[0]
    #expect(first.runs == 0 && first.apart.map(\.reason) == [.running])
    for position in 0..<2 {
      try writer.receive(.predicted(prediction(position, correct: position == 1)))
    }
    try writer.receive(.ended(ending))
    // Its rows still stand in the log.
    #expect(try RunStore.merge([part], into: all)[0].runs == 1)
    #expect(try RunStore(all, for: .read).query("runs").rows.count == 1)
  }

  @Test func filesThatCannotBeMergedAreRefused() throws {
    let folder = try TemporaryFolder()
    let (part, all) = (folder.file("part.db"), folder.file("all.db"))
    try Self.fill(part, first: 0)
    #expect(throws: ElbowError.self) { try RunStore.merge([folder.file("none.db")], into: all) }
    #expect(!FileManager.default.fileExists(atPath: all))
    #expect(throws: ElbowError.self) { try RunStore.merge([part], into: part) }
    let foreign = try DatabaseQueue(patient: folder.file("foreign.db"))
    try foreign.write { try $0.execute(sql: "CREATE TABLE t (x)") }
    try foreign.close()
    #expect(throws: ElbowError.self) { try RunStore.merge([folder.file("foreign.db")], into: all) }
  }

  // MARK: Older files

  @Test(arguments: OldFilesTests.schemas) func olderFilesAreUnderstood(schema: String) throws {
    let folder = try TemporaryFolder()
    let (old, all, direct) = (folder.file("old.db"), folder.file("all.db"), folder.file("new.db"))
    for path in [old, direct] { try OldFilesTests.copy(schema, to: path) }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: old))
    #expect(try RunStore.merge([old], into: all)[0].runs >= 7)
    #expect(try Data(contentsOf: URL(fileURLWithPath: old)) == bytes)
    try RunStore(direct, for: .write).close()
    let (merged, migrated) = try (Self.content(all), Self.content(direct))
    for (name, rows) in migrated { #expect(merged[name] == rows, "\(name)") }
  }

  /// Whoever adds a table adds it to what is merged, and to this list.
  @Test func everyTableIsMerged() throws {
    let database = TemporaryDatabase()
    try RunStore(database.path, for: .write).close()
    let tables = try DatabaseQueue(patient: database.path).read { db in
      try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    let merged: Set = [
      "model", "configuration", "source", "input", "code_diff", "run", "run_total", "run_tag",
      "session", "run_input", "run_timestep", "prediction", "class_evidence", "loss_blob",
      "adversarial_image", "prediction_checksum", "run_checksum", "training", "training_session",
      "metric_series", "metric_point",
    ]
    let ofTheFile: Set = ["about", "grdb_migrations", "migration_checksum"]
    let workedOut: Set = ["robust_total", "robust_verdict", "robust_basis"]
    #expect(
      Set(tables.filter { !$0.hasPrefix("sqlite_") }) == merged.union(ofTheFile).union(workedOut))
  }
}

extension Cell {
  /// A text.
  fileprivate var string: String? { if case .text(let text) = self { text } else { nil } }
}
