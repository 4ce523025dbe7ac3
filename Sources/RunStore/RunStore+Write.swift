import Basics
import Foundation
import GRDB
import Records

extension RunStore {
  /// Records a run that begins.
  func insert(_ header: RunHeader) throws -> RunPosition {
    let code = CodeState.current
    return try writing { try insert(header, code, $0) }
  }

  func insert(_ header: RunHeader, _ code: CodeState?, _ db: Database) throws -> RunPosition {
    for source in [header.inputsRun, header.replayOf].compactMap(\.self) {
      guard
        try Bool.fetchOne(
          db, sql: "SELECT deleted_at IS NULL FROM run WHERE id = ?", arguments: [source]) == true
      else {
        throw ElbowError(
          .inaccessible, "run \(source), whose images or losses are used, went to the trash")
      }
    }
    for model in [header.model, header.lmModel].compactMap(\.self) {
      try ModelDescriptions.tell(model, db)
    }
    try insert(header.configuration, db)
    let datasets = Set(header.inputs.map { [$0.dataset, $0.split] })
    try db.execute(
      sql: """
        INSERT INTO run (id, name, run_group, note, status, question, fingerprint, dataset, split,
          images, timesteps, inputs_run, replay_of, seed, attack_seed, attack_json, class_names,
          channels, height, width, records_losses, invocation, started_at)
        VALUES (:id, :name, :group, :note, 'running', :question, :fingerprint, :dataset, :split,
          :images, :timesteps, :inputs_run, :replay_of, :seed, :attack_seed, :attack, :class_names,
          :channels, :height, :width, :records_losses, :invocation, :started_at)
        """,
      arguments: [
        "id": header.id, "name": header.labels.name, "group": header.labels.group,
        "note": header.labels.note, "question": try header.question.id(),
        "fingerprint": try header.configuration.fingerprint(),
        "dataset": datasets.count == 1 ? header.inputs[0].dataset : nil,
        "split": datasets.count == 1 ? header.inputs[0].split : nil,
        "images": header.inputs.count, "timesteps": header.timestepsAsked,
        "inputs_run": header.inputsRun, "replay_of": header.replayOf,
        "seed": Int64(bitPattern: header.seed),
        "attack_seed": header.attackSeed.map { Int64(bitPattern: $0) },
        "attack": try header.attack?.canonicalJSON(), "class_names": json(header.classNames),
        "channels": header.imageShape[0], "height": header.imageShape[1],
        "width": header.imageShape[2], "records_losses": header.recordsLosses,
        "invocation": header.invocation, "started_at": Timestamp.now,
      ])
    try insertTags(header.labels.tags, header.id, db)
    try insertInputs(header, db)
    let timestep = try db.cachedStatement(sql: "INSERT INTO run_timestep VALUES (?, ?, ?, ?, ?)")
    for recorded in header.timesteps {
      try timestep.execute(arguments: [
        header.id, recorded.index, recorded.sigma, recorded.weight, recorded.strategyWeight,
      ])
    }
    try ChecksumWriting.begin(header.id, db)
    return try insertSession(header, code, db)
  }

  /// Records that another process goes on with a run.
  ///
  /// - Throws: `ElbowError` where a living process works on it.
  func insertSession(_ header: RunHeader) throws -> RunPosition {
    let code = CodeState.current
    return try writing { db in
      // Marking it when the file was opened may have failed, as on a full disk.
      if try Self.isAbandoned(header.id, db) {
        try db.execute(
          sql: "UPDATE run SET status = 'crashed' WHERE id = ?", arguments: [header.id])
      }
      try db.execute(
        sql: """
          UPDATE run SET status = 'running', finished_at = NULL, error = NULL
          WHERE id = ? AND status <> 'running' AND deleted_at IS NULL
          """, arguments: [header.id])
      guard db.changesCount == 1 else {
        throw ElbowError(
          .busy,
          "run \(header.id) is being worked on by another process, or went to the trash")
      }
      try ChecksumWriting.resume(header.id, db)
      return try insertSession(header, code, db)
    }
  }

  /// Records a group of predictions, and that the run lives.
  func insert(_ predictions: [Prediction], _ position: RunPosition) throws {
    try writing { db in
      if !predictions.isEmpty {
        let insertion = try PredictionInsertion(position.runID, db)
        for prediction in predictions { try insertion.insert(prediction) }
      }
      try db.execute(
        sql: "UPDATE session SET heartbeat_at = ? WHERE run_id = ? AND number = ?",
        arguments: [Timestamp.now, position.runID, position.session])
    }
  }

  /// Records how a run, or this process's part of it, ended.
  func finish(_ position: RunPosition, _ ending: RunEnding) throws {
    try writing { try finish(position, ending, $0) }
  }

  func finish(_ position: RunPosition, _ ending: RunEnding, _ db: Database) throws {
    let now = Timestamp.now
    try db.execute(
      sql: "UPDATE run SET status = ?, error = ?, finished_at = ? WHERE id = ?",
      arguments: [ending.status.rawValue, ending.error, now, position.runID])
    try db.execute(
      sql: """
        UPDATE session SET ended_at = ?, heartbeat_at = ?, wall_seconds = ?, cpu_seconds = ?,
          peak_memory = ?, energy = ?, gpu_energy = ?, gpu_memory = ?
        WHERE run_id = ? AND number = ?
        """,
      arguments: [
        now, now, ending.wallSeconds, ending.cpuSeconds, ending.peakMemory, ending.energy,
        ending.gpuEnergy, ending.gpuMemory, position.runID, position.session,
      ])
    try ChecksumWriting.end(position.runID, db)
  }

  // MARK: Parts

  func insert(_ c: Records.Configuration, _ db: Database) throws {
    try db.execute(
      sql: "INSERT INTO configuration (fingerprint, json) VALUES (?, ?) ON CONFLICT DO NOTHING",
      arguments: [try c.fingerprint(), try c.canonicalJSON()])
  }

  func insertTags(_ tags: [String: String], _ run: String, _ db: Database) throws {
    for (key, value) in tags {
      try db.cachedStatement(
        sql: """
          INSERT INTO run_tag VALUES (?, ?, ?)
          ON CONFLICT DO UPDATE SET value = excluded.value
          """
      ).execute(arguments: [run, key, value])
    }
  }

  private func insertInputs(_ header: RunHeader, _ db: Database) throws {
    var insertion = try InputInsertion(header.id, inputsRun: header.inputsRun, db)
    for (position, record) in header.inputs.enumerated() {
      try insertion.insert(record, at: position)
    }
  }

  private func insertSession(
    _ header: RunHeader, _ code: CodeState?, _ db: Database
  ) throws -> RunPosition {
    let environment = header.environment
    return try insertSession(
      header.id, environment.arguments, computing: environment, code, db)
  }

  /// Records that this process works on a run.
  ///
  /// - Parameters:
  ///   - id: full id.
  ///   - arguments: command line of the program that makes the run.
  ///   - environment: nil where another program computes it.
  ///   - code: nil: none, or not known yet.
  func insertSession(
    _ id: String, _ arguments: [String], computing environment: RunEnvironment?,
    _ code: CodeState?, _ db: Database
  ) throws -> RunPosition {
    let number =
      try Int.fetchOne(
        db.cachedStatement(sql: "SELECT count(*) FROM session WHERE run_id = ?"), arguments: [id])
      ?? 0
    let diffHash = try code?.insertDiff(db)
    let process = ProcessIdentity.current
    let now = Timestamp.now
    try db.cachedStatement(
      sql: """
        INSERT INTO session (run_id, number, started_at, heartbeat_at, host, boot_id, pid,
          pid_started, pid_namespace, argv, cpu, threads, batch, blas, instruction_set,
          sqlite_version, elbow_version, libraries, git_commit, git_dirty, diff_sha256)
        VALUES (:run_id, :number, :now, :now, :host, :boot_id, :pid, :pid_started, :pid_namespace,
          :argv, :cpu, :threads, :batch, :blas, :instruction_set, sqlite_version(), :elbow_version,
          :libraries, :git_commit, :git_dirty, :diff_sha256)
        """
    ).execute(
      arguments: [
        "run_id": id, "number": number, "now": now, "host": process.host,
        "boot_id": process.bootID, "pid": process.pid, "pid_started": process.started,
        "pid_namespace": process.namespace, "argv": json(arguments),
        "cpu": Machine.cpu, "threads": environment?.threads, "batch": environment?.batch,
        "blas": environment?.blas, "instruction_set": environment?.instructionSet,
        "elbow_version": elbowVersion,
        "libraries": libraryVersionsJSON, "git_commit": code?.commit, "git_dirty": code?.isDirty,
        "diff_sha256": diffHash,
      ])
    return RunPosition(runID: id, session: number)
  }

  func json(_ strings: [String]) -> String {
    JSONValue.array(strings.map { .string($0) }).canonical
  }
}

/// Elbow's own version, recorded with every session.
package let elbowVersion = "0.1.0"

/// Versions of the libraries in the program that can change what a run answers or how it is recorded,
/// by name, recorded with every session: those that `Package.swift` pins.
public let libraryVersions = ["GRDB": "7.10.0", "Yams": "6.2.2"]

/// The versions as sessions keep them.
let libraryVersionsJSON = JSONValue.object(libraryVersions.mapValues { .string($0) }).canonical

/// UTC, ISO 8601, milliseconds.
enum Timestamp {
  static var now: String { text(Date()) }

  static func text(_ date: Date) -> String {
    // The format cuts off, and milliseconds mostly lie a little below themselves as fractions.
    date.addingTimeInterval(1e-4)
      .ISO8601Format(.init(includingFractionalSeconds: true, timeZone: .gmt))
  }
}

/// This machine, as runs record it.
package enum Machine {
  /// The processor's own name.
  package static let cpu: String = {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = info.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }()
}
