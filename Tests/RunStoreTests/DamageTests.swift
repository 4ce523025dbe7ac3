import Basics
import Foundation
import GRDB
import Records
import RunStore
import TestSupport
import Testing

/// Rows that cannot be what they should are errors that name file, run and column.
@Suite struct DamageTests {
  /// What is done to the file, and the column that is named.
  static let damages: [(sql: String, column: String)] = [
    ("UPDATE prediction SET position = -1 WHERE position = 1", "position"),
    ("UPDATE prediction SET position = 4611686018427387904 WHERE position = 1", "position"),
    ("UPDATE prediction SET predicted = -1", "predicted"),
    ("UPDATE prediction SET predicted = 2", "predicted"),
    ("UPDATE prediction SET correct = 4611686018427387904", "correct"),
    ("UPDATE prediction SET nfe = -1", "nfe"),
    ("UPDATE prediction SET gradients = 9223372036854775807", "gradients"),
    ("UPDATE loss_blob SET \"values\" = x'00'", "values"),
    ("UPDATE loss_blob SET places = x'000000000100000000000000'", "places"),
    ("UPDATE loss_blob SET places = x'00'", "places"),
    (
      "UPDATE loss_blob SET \"values\" = x'00000000', places = x'ffffffff0000000000000000'",
      "places"
    ),
    ("UPDATE run SET images = 4611686018427387904", "images"),
    ("UPDATE run SET images = 1", "images"), ("UPDATE run SET images = NULL", "images"),
    ("UPDATE run SET height = -1", "height"),
    ("UPDATE run SET width = 4611686018427387904", "width"),
    ("UPDATE run SET channels = NULL", "channels"), ("UPDATE run SET seed = NULL", "seed"),
    ("UPDATE run SET class_names = '[\"cat\"]'", "class_names"),
    ("UPDATE run SET class_names = '{'", "class_names"),
    ("UPDATE run SET class_names = NULL", "class_names"),
    ("UPDATE run SET timesteps = -1", "timesteps"),
    ("UPDATE run SET records_losses = 7", "records_losses"),
    ("UPDATE run SET question = NULL", "question"),
    (
      "UPDATE run SET attack_json = '{\"name\":\"a\",\"norm\":\"l7\",\"epsilon\":1}'", "attack_json"
    ),
    ("UPDATE run_input SET position = position + 7 WHERE position = 1", "position"),
    ("UPDATE input SET label = -1", "label"), ("UPDATE input SET label = 7", "class_names"),
    ("UPDATE input SET image_index = -1", "image_index"),
    ("UPDATE run_timestep SET timestep = timestep + 7 WHERE timestep = 2", "timestep"),
    ("UPDATE run_timestep SET timestep = 4611686018427387904 WHERE timestep = 1", "timestep"),
    ("UPDATE adversarial_image SET pixels = x'00'", "pixels"),
  ]

  @Test(arguments: damages) func damageIsNamed(sql: String, column: String) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var attacked = prediction(0)
    attacked.attack = AttackOutcome(cleanPredicted: 1)
    attacked.attack?.attempted = true
    attacked.attack?.image = [0.25, 0.75]
    let attack = AttackConfiguration(name: "fgsm", norm: .linf, epsilon: 0.5)
    let run = try record(header(2, attack: attack), [attacked, prediction(1)], in: store)
    func read() throws {
      _ = try store.recordedRun(run.id)
      _ = try store.recordedHeader(run.id)
      _ = try store.recordedPredictions(run.id)
      _ = try store.losses(run: run.id, position: 0)
      _ = try store.adversarialImage(run: run.id, position: 0)
    }
    try read()
    // As a program that minds no constraint.
    let queue = try DatabaseQueue(patient: database.path)
    try queue.writeWithoutTransaction { db in
      try db.execute(
        sql: """
          PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
          DROP TRIGGER prediction_counts_anew; \(sql)
          """)
    }
    let error = try #require(throws: ElbowError.self) { try read() }
    #expect(error.description.contains("'\(column)'"), "\(error)")
    #expect(error.description.contains(database.path) && error.description.contains(run.id))
  }

  /// A process number that no process can have is not alive, and no reason to stop.
  @Test func impossibleProcessesAreDead() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let writer = RunWriter(store)
    try writer.receive(.started(header(1)))
    try database.execute("UPDATE session SET pid = 4611686018427387904")
    let status = try RunStore(database.path, for: .read).readOnly("SELECT status FROM runs")
    #expect(status.rows == [[.text("crashed")]])
    try writer.receive(.ended(ending))
  }
}
