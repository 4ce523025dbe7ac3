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
    for model in [header.model, header.lmModel].compactMap(\.self) { try insert(model, db) }
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
      if try Self.deadRuns(db).contains(header.id) {
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
          peak_memory = ?
        WHERE run_id = ? AND number = ?
        """,
      arguments: [
        now, now, ending.wallSeconds, ending.cpuSeconds, ending.peakMemory, position.runID,
        position.session,
      ])
    try ChecksumWriting.end(position.runID, db)
  }

  // MARK: Parts

  private func insert(_ model: ModelRecord, _ db: Database) throws {
    try db.execute(
      sql: "INSERT INTO model VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      arguments: [
        model.sha256, model.name, model.dtype, model.parameters, model.architecture,
      ])
  }

  private func insert(_ c: Records.Configuration, _ db: Database) throws {
    try db.execute(
      sql: "INSERT INTO configuration (fingerprint, json) VALUES (?, ?) ON CONFLICT DO NOTHING",
      arguments: [try c.fingerprint(), try c.canonicalJSON()])
  }

  func insertTags(_ tags: [String: String], _ run: String, _ db: Database) throws {
    for (key, value) in tags {
      try db.execute(
        sql: """
          INSERT INTO run_tag VALUES (?, ?, ?)
          ON CONFLICT DO UPDATE SET value = excluded.value
          """, arguments: [run, key, value])
    }
  }

  private func insertInputs(_ header: RunHeader, _ db: Database) throws {
    // An image that is known already is passed over by the table's trigger. One that another run's
    // attack has made is of the image that it was made from.
    let input = try Insertion(
      """
      INSERT INTO input (source, image_index, label, sha256, checksum, image)
      VALUES (?1, ?2, ?3, ?4, ?6, (
        SELECT given.image
        FROM run_total
        CROSS JOIN input AS given ON given.image_index = ?2 AND given.source = ?1
          AND given.label = ?3 AND given.sha256 <> ?4
        CROSS JOIN run_input ON run_input.input_id = given.id
          AND run_input.run = run_total.number
        WHERE run_id = ?5 LIMIT 1))
      """, db)
    input.bind(5, header.inputsRun)
    let link = try Insertion(
      """
      INSERT INTO run_input
      SELECT number, ?6, id FROM run_total CROSS JOIN input
      WHERE run_id = ?5 AND source = ?1 AND image_index = ?2 AND label = ?3 AND sha256 = ?4
      """, db)
    link.bind(5, header.id)
    var sources: [[String]: Int] = [:]
    for (position, record) in header.inputs.enumerated() {
      let name = [record.dataset, record.split]
      let source = try sources[name] ?? insertSource(name, db)
      sources[name] = source
      let hash = SHA256.bytes(ofHexDigest: record.sha256)
      for statement in [input, link] {
        statement.bind(1, source)
        statement.bind(2, record.index)
        statement.bind(3, record.label)
        statement.bind(4, hash)
      }
      input.bind(6, Self.checksum(record, hash))
      try input.insert()
      link.bind(6, position)
      try link.insert()
    }
  }

  /// What `input.checksum` keeps.
  private static func checksum(_ input: InputRecord, _ hash: [UInt8]) -> Int {
    let row: [Cell] = [
      .text(input.dataset), .text(input.split), .integer(Int64(input.index)),
      .integer(Int64(input.label)), .blob(hash),
    ]
    return Int(bitPattern: UInt(Checksum(row).value))
  }

  /// The number of a dataset's split.
  private func insertSource(_ name: [String], _ db: Database) throws -> Int? {
    try db.execute(
      sql: "INSERT INTO source (dataset, split) VALUES (?, ?) ON CONFLICT DO NOTHING",
      arguments: StatementArguments(name))
    return try Int.fetchOne(
      db, sql: "SELECT id FROM source WHERE dataset = ? AND split = ?",
      arguments: StatementArguments(name))
  }

  private func insertSession(
    _ header: RunHeader, _ code: CodeState?, _ db: Database
  ) throws -> RunPosition {
    let number =
      try Int.fetchOne(
        db, sql: "SELECT count(*) FROM session WHERE run_id = ?", arguments: [header.id]) ?? 0
    let diffHash = try code?.insertDiff(db)
    let process = ProcessIdentity.current
    let now = Timestamp.now
    try db.execute(
      sql: """
        INSERT INTO session (run_id, number, started_at, heartbeat_at, host, boot_id, pid,
          pid_started, pid_namespace, argv, cpu, threads, batch, blas, instruction_set,
          sqlite_version, elbow_version, libraries, git_commit, git_dirty, diff_sha256)
        VALUES (:run_id, :number, :now, :now, :host, :boot_id, :pid, :pid_started, :pid_namespace,
          :argv, :cpu, :threads, :batch, :blas, :instruction_set, sqlite_version(), :elbow_version,
          :libraries, :git_commit, :git_dirty, :diff_sha256)
        """,
      arguments: [
        "run_id": header.id, "number": number, "now": now, "host": process.host,
        "boot_id": process.bootID, "pid": process.pid, "pid_started": process.started,
        "pid_namespace": process.namespace, "argv": json(header.environment.arguments),
        "cpu": Machine.cpu, "threads": header.environment.threads,
        "batch": header.environment.batch, "blas": header.environment.blas,
        "instruction_set": header.environment.instructionSet, "elbow_version": elbowVersion,
        "libraries": libraryVersionsJSON, "git_commit": code?.commit, "git_dirty": code?.isDirty,
        "diff_sha256": diffHash,
      ])
    return RunPosition(runID: header.id, session: number)
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
    date.ISO8601Format(.init(includingFractionalSeconds: true, timeZone: .gmt))
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
