import Basics
import Foundation
import GRDB
import Records

extension StreamWriter {
  /// Puts what waits on the disk, all of it or none, and shows that the runs live.
  ///
  /// - Throws: `ElbowError`; what waited is lost then, and the stream should end.
  package func commit() throws {
    let work = waiting
    waiting = Waiting()
    // Until it is through.
    isBroken = true
    try store.writing { db in
      for index in work.begun { try begin(index, db) }
      for (run, labels) in work.labels { try label(run, labels, db) }
      try insert(work.images, db)
      try insert(work.points, db)
      for (run, ending, time) in work.ended { try end(run, ending, time, db) }
      try showCode(db)
      try db.cachedStatement(
        sql: """
          UPDATE session SET heartbeat_at = ?1
          WHERE (run_id, number) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
          """
      ).execute(arguments: [Timestamp.now, running])
    }
    isBroken = false
  }

  /// Waits for git and records the code of what has begun.
  package func finishCode() throws {
    guard !uncoded.isEmpty else { return }
    _ = code.wait()
    try store.writing { try showCode($0) }
  }

  /// The sessions at work, a JSON array of pairs.
  private var running: String {
    let open = runs.filter { $0.status == "running" && !$0.isKeptElsewhere }
      .compactMap(\.position)
    return "[\(open.map { "[\"\($0.runID)\",\($0.session)]" }.joined(separator: ","))]"
  }

  private func begin(_ index: Int, _ db: Database) throws {
    let (id, description) = (runs[index].id, runs[index].description)
    let labels = description.labels
    try db.cachedStatement(
      sql: """
        INSERT INTO run (id, name, run_group, note, status, started_at)
        VALUES (?, ?, ?, ?, 'running', ?)
        """
    ).execute(arguments: [
      id, labels.name, labels.group, labels.note,
      description.startedAt.map(Timestamp.text) ?? Timestamp.now,
    ])
    recordedRuns += 1
    try store.insertTags(labels.tags, id, db)
    try ChecksumWriting.begin(id, db)
    try work(on: index, db)
  }

  /// Records that this process works on a run, unless that is recorded.
  private func work(on index: Int, _ db: Database) throws {
    guard runs[index].position == nil || runs[index].status != "running" else { return }
    let id = runs[index].id
    try db.cachedStatement(
      sql: """
        UPDATE run SET status = 'running', finished_at = NULL, error = NULL
        WHERE id = ? AND deleted_at IS NULL
        """
    ).execute(arguments: [id])
    guard db.changesCount == 1 else {
      throw ElbowError(.missing, "run \(id) has gone, or went to the trash")
    }
    try ChecksumWriting.resume(id, db)
    runs[index].status = "running"
    if let start = runs[index].description.startedAt {
      runs[index].position = try keepElsewhere(id, since: start, db)
      return
    }
    let position = try store.insertSession(
      id, runs[index].description.arguments, computing: nil, nil, db)
    runs[index].position = position
    uncoded.append(position)
  }

  /// Records that a run was made elsewhere, once: of machine and code nothing is known.
  private func keepElsewhere(
    _ id: String, since start: Date, _ db: Database
  ) throws -> RunPosition {
    try db.execute(
      sql: """
        INSERT INTO session (run_id, number, started_at, host, argv, cpu, sqlite_version,
          elbow_version, libraries)
        VALUES (?, 0, ?, ?, '[]', 'unknown', sqlite_version(), ?, ?) ON CONFLICT DO NOTHING
        """,
      arguments: [
        id, Timestamp.text(start), ProcessIdentity.elsewhere, elbowVersion, libraryVersionsJSON,
      ])
    return RunPosition(runID: id, session: 0)
  }

  private func label(_ index: Int, _ labels: RunLabels, _ db: Database) throws {
    let id = runs[index].id
    try db.cachedStatement(
      sql: """
        UPDATE run SET name = coalesce(?2, name), run_group = coalesce(?3, run_group),
          note = coalesce(?4, note)
        WHERE id = ?1
        """
    ).execute(arguments: [id, labels.name, labels.group, labels.note])
    try store.insertTags(labels.tags, id, db)
  }

  // MARK: Images

  private func insert(
    _ images: [(run: Int, input: InputRecord, prediction: Prediction)], _ db: Database
  ) throws {
    var current: (run: Int, inputs: InputInsertion, predictions: PredictionInsertion)?
    for (run, input, prediction) in images {
      if current?.run != run {
        try work(on: run, db)
        try describe(run, db)
        let id = runs[run].id
        current = (
          run, try InputInsertion(id, inputsRun: runs[run].description.header?.inputsRun, db),
          try PredictionInsertion(id, db)
        )
      }
      try current?.inputs.insert(input, at: prediction.position)
      try current?.predictions.insert(prediction)
    }
    for run in Set(images.map(\.run)) {
      let source = runs[run].sources.count == 1 ? runs[run].sources.first : nil
      try db.cachedStatement(
        sql: "UPDATE run SET images = ?, question = ?, dataset = ?, split = ? WHERE id = ?"
      ).execute(arguments: [
        runs[run].answered.count, runs[run].digest?.id, source?[0], source?[1], runs[run].id,
      ])
      try ChecksumWriting.change(runs[run].id, db)
    }
  }

  /// Records what a run asks, with its first image.
  private func describe(_ index: Int, _ db: Database) throws {
    guard !runs[index].isDescribed, let header = runs[index].description.header else { return }
    for model in [header.model, header.lmModel].compactMap(\.self) {
      try ModelDescriptions.tell(model, db)
    }
    try store.insert(header.configuration, db)
    try db.cachedStatement(
      sql: """
        UPDATE run SET fingerprint = :fingerprint, images = 1, timesteps = :timesteps,
          inputs_run = :inputs_run, seed = :seed, attack_seed = :attack_seed,
          attack_json = :attack, class_names = :class_names, channels = :channels,
          height = :height, width = :width, records_losses = :records_losses,
          invocation = :invocation
        WHERE id = :id
        """
    ).execute(arguments: [
      "id": runs[index].id, "fingerprint": try header.configuration.fingerprint(),
      "timesteps": header.timestepsAsked, "inputs_run": header.inputsRun,
      "seed": Int64(bitPattern: header.seed),
      "attack_seed": header.attackSeed.map { Int64(bitPattern: $0) },
      "attack": try header.attack?.canonicalJSON(),
      "class_names": store.json(header.classNames), "channels": header.imageShape[0],
      "height": header.imageShape[1], "width": header.imageShape[2],
      "records_losses": header.recordsLosses, "invocation": RunHeader.foreignInvocation,
    ])
    let level = try db.cachedStatement(sql: "INSERT INTO run_timestep VALUES (?, ?, ?, ?, ?)")
    for timestep in header.timesteps {
      try level.execute(arguments: [
        runs[index].id, timestep.index, timestep.sigma, timestep.weight, timestep.strategyWeight,
      ])
    }
    runs[index].isDescribed = true
  }

  // MARK: Points

  private func insert(_ points: [StreamedPoint], _ db: Database) throws {
    guard !points.isEmpty else { return }
    let insertion = try Insertion(
      "INSERT INTO metric_point (series_id, step, arrival, value, logged_at) VALUES (?, ?, ?, ?, ?)",
      db)
    var changed: Set<[Int32]> = []
    var last: (run: Int32, series: Int32) = (-1, -1)
    for point in points {
      let (run, number) = (Int(point.run), Int(point.series))
      if last != (point.run, point.series) {
        last = (point.run, point.series)
        // Others may have logged to it since the last transaction.
        if changed.insert([point.run, point.series]).inserted {
          try makeSeries(number, of: run, db)
        }
      }
      guard let series = runs[run].series[number].id else { continue }
      if runs[run].isOld, try isRecorded(point, of: series, db) { continue }
      try work(on: run, db)
      insertion.bind(1, series)
      insertion.bind(2, point.step)
      insertion.bind(3, runs[run].series[number].points)
      insertion.bind(4, point.value)
      insertion.bind(5, point.time)
      try insertion.insert()
      recordedPoints += 1
      runs[run].series[number].points += 1
    }
    for place in changed {
      let series = runs[Int(place[0])].series[Int(place[1])]
      try db.cachedStatement(sql: "UPDATE metric_series SET points = ? WHERE id = ?")
        .execute(arguments: [series.points, series.id])
    }
  }

  private func makeSeries(_ number: Int, of run: Int, _ db: Database) throws {
    let name = String(decoding: runs[run].series[number].name, as: UTF8.self)
    let (id, points) = try store.series(name, .run(runs[run].id), db)
    (runs[run].series[number].id, runs[run].series[number].points) = (id, points)
  }

  /// Whether a point is there, so that its line was sent before.
  private func isRecorded(
    _ point: StreamedPoint, of series: Int, _ db: Database
  ) throws -> Bool {
    try Bool.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT EXISTS (
            SELECT 1 FROM metric_point WHERE series_id = ? AND step = ? AND value IS ?)
          """), arguments: [series, point.step, point.value]) ?? false
  }

  // MARK: Ends

  private func end(
    _ index: Int, _ ending: RunEnding, _ time: Date?, _ db: Database
  ) throws {
    let (status, error) = (runs[index].status, runs[index].error)
    if status == ending.status.rawValue, error == ending.error { return }
    if status != "running" || runs[index].position == nil || runs[index].isKeptElsewhere {
      try work(on: index, db)
    }
    guard let position = runs[index].position else { return }
    let now = time.map(Timestamp.text) ?? Timestamp.now
    try db.cachedStatement(
      sql: "UPDATE run SET status = ?, error = ?, finished_at = ? WHERE id = ?"
    ).execute(arguments: [ending.status.rawValue, ending.error, now, position.runID])
    try db.cachedStatement(
      sql: """
        UPDATE session SET ended_at = ?1, heartbeat_at = iif(pid IS NULL, NULL, ?1),
          wall_seconds = coalesce(?2, (julianday(?1) - julianday(started_at)) * 86400),
          cpu_seconds = ?3, peak_memory = nullif(?4, 0), energy = ?5, gpu_energy = ?6,
          gpu_memory = ?7
        WHERE run_id = ?8 AND number = ?9
        """
    ).execute(arguments: [
      now, ending.wallSeconds, ending.cpuSeconds, ending.peakMemory, ending.energy,
      ending.gpuEnergy, ending.gpuMemory, position.runID, position.session,
    ])
    try ChecksumWriting.end(position.runID, db)
    (runs[index].status, runs[index].error) = (ending.status.rawValue, ending.error)
  }

  /// Records the code of the sessions that wait for it, once git has answered.
  private func showCode(_ db: Database) throws {
    guard !uncoded.isEmpty, let answer = code.state else { return }
    let hash = try answer?.insertDiff(db)
    let running = Set(runs.filter { $0.status == "running" }.map(\.id))
    for position in uncoded {
      try db.cachedStatement(
        sql: """
          UPDATE session SET git_commit = ?, git_dirty = ?, diff_sha256 = ?
          WHERE run_id = ? AND number = ?
          """
      ).execute(arguments: [
        answer?.commit, answer?.isDirty, hash, position.runID, position.session,
      ])
      // The session of a run that has ended was summed up without it.
      if !running.contains(position.runID) { try ChecksumWriting.end(position.runID, db) }
    }
    uncoded = []
  }
}
