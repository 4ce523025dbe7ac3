import Basics
import GRDB
import Records

extension StreamWriter {
  /// A run as it is recorded; nil: it is new.
  ///
  /// - Throws: `ElbowError` where this stream cannot go on with it.
  func recorded(_ id: String, _ description: StreamedDescription) throws -> StreamedRun? {
    try store.reading { db in
      if let source = description.header?.inputsRun {
        let isThere = try Bool.fetchOne(
          db, sql: "SELECT deleted_at IS NULL FROM run WHERE id = ?", arguments: [source])
        guard isThere == true else {
          throw ElbowError(
            .missing, "run \(source), whose images are used, is gone or in the trash")
        }
      }
      guard
        let row = try Row.fetchOne(
          db.cachedStatement(
            sql: """
              SELECT status, error, fingerprint, invocation, deleted_at FROM run WHERE id = ?
              """),
          arguments: [id])
      else { return nil }
      guard row.text("deleted_at") == nil else {
        throw ElbowError(.conflict, "run \(id) is in the trash; restore it, or name another")
      }
      let fingerprint = row.text("fingerprint")
      guard fingerprint == nil || row.text("invocation") == RunHeader.foreignInvocation else {
        throw ElbowError(.conflict, "run \(id) is Elbow's own; nothing can be added to it")
      }
      if row.text("status") == "running", try isWorkedOn(id, db) {
        throw ElbowError(.busy, "run \(id) is being recorded by another process")
      }
      var run = StreamedRun(
        id: id, description: description, isOld: true, status: row.text("status") ?? "",
        isDescribed: fingerprint != nil, digest: try description.header?.digest())
      run.error = row.text("error")
      if fingerprint != nil { try check(description, id, db) }
      try readImages(&run, db)
      try readSeries(&run, db)
      return run
    }
  }

  /// - Throws: `ElbowError` where a run that a line begins again asks something else there.
  func check(_ description: StreamedDescription, asksAs run: StreamedRun) throws {
    let (known, told) = (run.description.header, description.header)
    guard try known?.digest().id == told?.digest().id, known?.imageShape == told?.imageShape,
      known?.inputsRun == told?.inputsRun, known?.recordsLosses == told?.recordsLosses
    else { throw otherQuestion(run.id) }
  }

  /// - Throws: `ElbowError` where the recorded run asks something else.
  private func check(
    _ description: StreamedDescription, _ id: String, _ db: Database
  ) throws {
    guard let header = description.header,
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT fingerprint, attack_json, seed, attack_seed, class_names,
            json_array(channels, height, width) AS shape, inputs_run, records_losses
          FROM run WHERE id = ?
          """, arguments: [id])
    else { throw otherQuestion(id) }
    let isSame =
      try row.text("fingerprint") == header.configuration.fingerprint()
      && row.text("attack_json") == header.attack?.canonicalJSON()
      && row.integer("seed") == Int64(bitPattern: header.seed)
      && row.integer("attack_seed") == header.attackSeed.map { Int64(bitPattern: $0) }
      && row.text("class_names") == store.json(header.classNames)
    let shape = header.imageShape.map(String.init).joined(separator: ",")
    let isAlike =
      row.text("shape") == "[\(shape)]" && row.text("inputs_run") == header.inputsRun
      && row.integer("records_losses") == (header.recordsLosses ? 1 : 0)
    guard isSame, isAlike else { throw otherQuestion(id) }
  }

  private func otherQuestion(_ id: String) -> ElbowError {
    ElbowError(
      .conflict,
      "run \(id) was begun with another configuration, model, attack or seed; give this one another "
        + "key")
  }

  private func isWorkedOn(_ id: String, _ db: Database) throws -> Bool {
    try Row.fetchAll(
      db,
      sql: """
        SELECT host, boot_id, pid, pid_started, pid_namespace,
          heartbeat_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-60 seconds') AS is_recent
        FROM session WHERE run_id = ? AND pid IS NOT NULL ORDER BY number DESC LIMIT 1
        """, arguments: [id]
    ).contains { ProcessIdentity($0).isAlive ?? $0["is_recent"] }
  }

  private func readImages(_ run: inout StreamedRun, _ db: Database) throws {
    let answers =
      try Int.fetchOne(db, sql: "SELECT n FROM run_total WHERE run_id = ?", arguments: [run.id])
      ?? 0
    var position = 0
    try RunStore.forEachInput(of: run.id, db, in: store.path) { input in
      guard position < answers else {
        throw ElbowError(.damaged, "run \(run.id) has inputs without an answer")
      }
      let place = StreamedRun.Place(
        dataset: input.dataset, split: input.split, index: input.index)
      run.answered[place] = position
      run.digest?.add(input)
      run.sources.insert([input.dataset, input.split])
      position += 1
    }
  }

  private func readSeries(_ run: inout StreamedRun, _ db: Database) throws {
    for row in try Row.fetchAll(
      db,
      sql: """
        SELECT name, id, points,
          (SELECT max(step) FROM metric_point WHERE series_id = metric_series.id) AS last
        FROM metric_series WHERE run_id = ? ORDER BY id
        """, arguments: [run.id])
    {
      guard let name = row.text("name"), let id = row.integer("id"),
        let points = row.integer("points")
      else { throw ElbowError(.damaged, "run \(run.id) has a metric without name or number") }
      run.series.append(.init(name: Array(name.utf8), id: Int(id), points: Int(points)))
      run.nextStep = max(run.nextStep, Int(row.integer("last") ?? -1) + 1)
    }
  }
}
