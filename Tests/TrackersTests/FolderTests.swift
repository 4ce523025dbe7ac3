import Basics
import Foundation
import GRDB
import RunStore
import TestSupport
import Testing

import Trackers

/// Files in which MLflow and trackio keep runs.
struct FolderTests {
  private let file: Recorded
  init() throws { file = try Recorded() }

  /// A folder as MLflow's file store lays it out: a parent with a child, one deleted run.
  private func mlruns() throws -> String {
    func write(_ path: String, _ text: String) throws {
      let url = URL(fileURLWithPath: file.folder.file("mlruns/" + path))
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: url, atomically: true, encoding: .utf8)
    }
    func run(_ id: String, _ name: String, _ status: Int, stage: String = "active") throws {
      try write(
        "7/\(id)/meta.yaml",
        """
        artifact_uri: file:///x
        end_time: \(status == 1 ? "null" : "1700000005000")
        experiment_id: '7'
        lifecycle_stage: \(stage)
        run_id: \(id)
        run_name: '\(name)'
        start_time: 1700000000123
        status: \(status)
        tags: []

        """)
    }
    try write("7/meta.yaml", "experiment_id: '7'\nlifecycle_stage: active\nname: base line\n")
    try write(".trash/8/meta.yaml", "name: gone\n")
    try run("aa", "It''s a parent", 3)
    try run("bb", "child", 5)
    try run("cc", "deleted", 3, stage: "deleted")
    try write("7/bb/tags/mlflow.parentRunId", "aa")
    try write("7/bb/tags/mlflow.note.content", "a note")
    try write("7/bb/params/opt/lr", "0.1")
    try write("7/bb/metrics/train/loss", "1700000000200 0.5 0\n1700000000300 nan 1\n")
    try write("7/bb/metrics/inf", "1700000000300 -inf 4\n")
    return file.folder.file("mlruns")
  }

  @Test func aFolderOfMLflowIsTaken() throws {
    let source = MLflowFolder(try mlruns())
    let (totals, problems) = try file.record(source)
    #expect(problems.isEmpty && totals.runs == 2 && totals.points == 3)
    #expect(
      try file.rows(
        "SELECT name, status, \"group\", note, started_at, finished_at FROM runs ORDER BY name")
        == [
          "It's a parent|finished|null|null|2023-11-14T22:13:20.123Z|2023-11-14T22:13:25.000Z",
          "child|interrupted|It's a parent|a note|2023-11-14T22:13:20.123Z|2023-11-14T22:13:25.000Z",
        ])
    #expect(
      try file.rows("SELECT name, step, value FROM metrics ORDER BY 1, 2") == [
        "inf|4|-inf", "train/loss|0|0.5", "train/loss|1|null",
      ])
    #expect(
      try file.rows("SELECT DISTINCT key || '=' || value FROM run_tag ORDER BY 1") == [
        "mlflow.experiment=base line", "params.opt/lr=0.1",
      ])
    let before = try file.everything()
    #expect(try file.record(source).totals.points == 0)
    #expect(try file.everything() == before)
  }

  @Test func conditionsKnowParametersAsNumbers() throws {
    _ = try file.record(MLflowFolder(try mlruns()))
    let store = try RunStore(file.database, for: .read)
    #expect(try store.query("runs", where: RowFilter("params.opt/lr < 0.5")).rows.count == 1)
    #expect(try store.query("runs", where: RowFilter("params.opt/lr > 0.5")).rows.isEmpty)
  }

  @Test func whatIsWrongInAFolderIsNamed() throws {
    let folder = try mlruns()
    try "1700000000200 much 0\n".write(
      toFile: folder + "/7/bb/metrics/bad", atomically: true, encoding: .utf8)
    try "a: &a [x]\nb: *a\n".write(
      toFile: folder + "/7/aa/meta.yaml", atomically: true, encoding: .utf8)
    let (totals, problems) = try file.record(MLflowFolder(folder))
    #expect(totals.new == 1 && totals.problems == 2)
    #expect(problems.contains { $0.contains("metrics/bad, line 1") && $0.contains("much") })
    #expect(problems.contains { $0.contains("aa/meta.yaml") && $0.contains("anchors") })
    #expect(throws: ElbowError.self) { try file.record(MLflowFolder(file.folder.path)) }
  }

  @Test func theDatabaseOfMLflowIsTaken() throws {
    let path = file.folder.file("mlflow.db")
    try Self.make(
      path,
      """
      CREATE TABLE experiments (experiment_id INTEGER, name TEXT);
      CREATE TABLE runs (run_uuid TEXT, name TEXT, experiment_id INTEGER, status TEXT,
        start_time INTEGER, end_time INTEGER, lifecycle_stage TEXT);
      CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
      CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
      CREATE TABLE metrics (key TEXT, value, timestamp INTEGER, run_uuid TEXT, step INTEGER,
        is_nan INTEGER);
      INSERT INTO experiments VALUES (1, 'one'), (2, 'two');
      INSERT INTO runs VALUES ('aa', 'a', 1, 'FINISHED', 1700000000123, 1700000001000, 'active'),
        ('bb', 'b', 2, 'RUNNING', 1700000000123, NULL, 'active'),
        ('cc', 'c', 2, 'FINISHED', 1, 2, 'deleted');
      INSERT INTO params VALUES ('lr', '0.1', 'aa');
      INSERT INTO tags VALUES ('mlflow.runName', 'a', 'aa'), ('k', 'v', 'aa');
      INSERT INTO metrics VALUES ('loss', 0.5, 1700000000200, 'aa', 0, 0),
        ('loss', 0, 1700000000300, 'aa', 1, 1),
        ('loss', 1.7976931348623157e308, 1700000000400, 'aa', 2, 0),
        ('loss', 'text', 1700000000400, 'aa', 3, 0), ('loss', 1, 0, 'aa', -5, 0);
      """)
    let (totals, problems) = try file.record(MLflowDatabase(path))
    #expect(totals.runs == 2 && totals.points == 3 && problems.count == 2)
    #expect(
      try file.rows("SELECT step, value FROM metrics ORDER BY step") == [
        "0|0.5", "1|null", "2|inf",
      ])
    #expect(
      try file.rows("SELECT name, status FROM runs ORDER BY name") == ["a|finished", "b|running"])
    #expect(try file.record(MLflowDatabase(path, experiments: ["two"])).totals.runs == 1)
    #expect(throws: ElbowError.self) { try file.record(MLflowDatabase(path, experiments: ["x"])) }
    #expect(throws: ElbowError.self) { try file.record(MLflowDatabase(file.database)) }
    let text = try file.folder.write(
      "text.db", "no database at all, but a text that is long enough")
    #expect(throws: ElbowError.self) { try file.record(MLflowDatabase(text)) }
  }

  @Test(arguments: [true, false]) func aProjectOfTrackioIsTaken(isNew: Bool) throws {
    let path = file.folder.file("myproject.db")
    let (column, value) = isNew ? ("run_id TEXT, ", "'r1', ") : ("", "")
    try Self.make(
      path,
      """
      CREATE TABLE metrics (id INTEGER PRIMARY KEY, \(column)timestamp TEXT, run_name TEXT,
        step INTEGER, metrics TEXT);
      CREATE TABLE configs (id INTEGER PRIMARY KEY, \(column)run_name TEXT, config TEXT,
        created_at TEXT);
      INSERT INTO metrics VALUES
        (1, \(value)'2026-01-01T00:00:00.250+00:00', 'first', 0, '{"loss":1,"e":{"acc":"NaN"}}'),
        (2, \(value)'2026-01-01T00:00:01+00:00', 'first', 1,
          CAST('{"loss":"Infinity","text":"x","t":{"_type":"trackio.table"}}' AS BLOB)),
        (3, \(value)'2026-01-01T00:00:01+00:00', 'first', 2, 'broken');
      INSERT INTO configs VALUES
        (1, \(value)'first', '{"lr":0.1,"opt":{"name":"adam"},"_Group":"g"}', '');
      """)
    let source = try TrackioFile("my project", environment: ["TRACKIO_DIR": file.folder.path])
    let (totals, problems) = try file.record(source)
    #expect(totals.runs == 1 && totals.points == 3 && problems.count == 1)
    #expect(
      try file.rows("SELECT name, step, value, logged_at FROM metrics ORDER BY 1, 2") == [
        "e.acc|0|null|2026-01-01T00:00:00.250Z", "loss|0|1.0|2026-01-01T00:00:00.250Z",
        "loss|1|inf|2026-01-01T00:00:01.000Z",
      ])
    #expect(
      try file.rows("SELECT name, \"group\", finished_at FROM runs") == [
        "first|g|2026-01-01T00:00:01.000Z"
      ])
    #expect(
      try file.rows("SELECT key || '=' || value FROM run_tag ORDER BY key") == [
        "params.lr=0.1", "params.opt.name=adam", "trackio.project=myproject",
      ])
    #expect(try file.record(source).totals.points == 0)
    #expect(throws: ElbowError.self) { try TrackioFile("nope", environment: [:]) }
  }

  private static func make(_ path: String, _ sql: String) throws {
    let queue = try DatabaseQueue(patient: path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }
}
