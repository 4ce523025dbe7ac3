import Basics
import Foundation
import GRDB
import Records

/// Records one process's part of a training.
package struct TrainingWriter: Sendable {
  private let store: RunStore
  private let id: String
  private let session: Int

  /// Records that a training begins, or that this process goes on with it.
  ///
  /// - Throws: `ElbowError`.
  package init(_ store: RunStore, _ header: TrainingHeader) throws {
    self.store = store
    id = header.id
    let code = CodeState.current
    session = try store.writing { db in
      let now = Timestamp.now
      try db.execute(
        sql: """
          INSERT INTO training (id, kind, status, recipe, dataset, dataset_sha256, initial_sha256,
            steps, model_path, started_at)
          VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT DO UPDATE SET status = 'running', error = NULL, finished_at = NULL
          """,
        arguments: [
          header.id, header.kind, header.recipe, header.dataset, header.datasetSHA256,
          header.initialSHA256, header.steps, header.modelPath, now,
        ])
      let number =
        try Int.fetchOne(
          db, sql: "SELECT count(*) FROM training_session WHERE training_id = ?",
          arguments: [header.id]) ?? 0
      let process = ProcessIdentity.current
      try db.execute(
        sql: """
          INSERT INTO training_session (training_id, number, first_step, started_at, heartbeat_at,
            host, boot_id, pid, pid_started, pid_namespace, argv, cpu, threads, blas,
            instruction_set, elbow_version, libraries, git_commit, git_dirty, diff_sha256)
          VALUES (:id, :number, :first_step, :now, :now, :host, :boot_id, :pid, :pid_started,
            :pid_namespace, :argv, :cpu, :threads, :blas, :instruction_set, :elbow_version,
            :libraries, :git_commit, :git_dirty, :diff_sha256)
          """,
        arguments: [
          "id": header.id, "number": number, "first_step": header.firstStep, "now": now,
          "host": process.host, "boot_id": process.bootID, "pid": process.pid,
          "pid_started": process.started, "pid_namespace": process.namespace,
          "argv": JSONValue.array(header.arguments.map { .string($0) }).canonical,
          "cpu": Machine.cpu, "threads": header.threads, "blas": header.blas,
          "instruction_set": header.instructionSet, "elbow_version": elbowVersion,
          "libraries": libraryVersionsJSON, "git_commit": code?.commit, "git_dirty": code?.isDirty,
          "diff_sha256": try code?.insertDiff(db),
        ])
      return number
    }
  }

  /// Records measurements, and that the training lives.
  ///
  /// - Throws: `ElbowError`.
  package func log(_ metrics: [TrainingMetric]) throws {
    try store.writing { db in
      var points = MetricPoints(store, .training(id), db)
      let now = RunStore.milliseconds(Date())
      for metric in metrics {
        try RunStore.check(step: metric.step)
        try points.add(metric.name, step: metric.step, value: metric.value, milliseconds: now)
      }
      try points.insert()
      try db.execute(
        sql: "UPDATE training_session SET heartbeat_at = ? WHERE training_id = ? AND number = ?",
        arguments: [Timestamp.now, id, session])
    }
  }

  /// Records how this process's part ended.
  ///
  /// - Parameter model: SHA-256 of the produced model's tensors, where it is finished.
  /// - Throws: `ElbowError`.
  package func finish(_ ending: RunEnding, model: String?) throws {
    try store.writing { db in
      let now = Timestamp.now
      try db.execute(
        sql: """
          UPDATE training SET status = ?, error = ?, model_sha256 = ?, finished_at = ? WHERE id = ?
          """, arguments: [ending.status.rawValue, ending.error, model, now, id])
      try db.execute(
        sql: """
          UPDATE training_session
          SET heartbeat_at = ?, wall_seconds = ?, cpu_seconds = ?, peak_memory = ?
          WHERE training_id = ? AND number = ?
          """,
        arguments: [
          now, ending.wallSeconds, ending.cpuSeconds, ending.peakMemory, id, session,
        ])
    }
  }
}
