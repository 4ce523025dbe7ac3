import Basics
import Evaluation
import Experiments
import Foundation
import GRDBSQLite
import Records
import RunStore

/// How fast the store takes what is measured and how much room that needs, beside SQLite alone.
///
/// Both write WAL with `synchronous = FULL` and as many rows a transaction; plain SQLite has one
/// table, without keys, references and totals. Times include the last checkpoint.
package struct StoreIngest {
  /// Folder for files that are deleted again.
  package let folder: String
  /// Repetitions; the medians are given.
  package let repeats: Int
  /// Runs what is run.
  package let session: Session

  /// The measurement as given.
  package init(folder: String, repeats: Int, session: Session) {
    (self.folder, self.repeats, self.session) = (folder, repeats, session)
  }

  /// Columns of the rows that the measurements give.
  package static let columns = [
    "measure", "value", "unit", "plain_sqlite", "share", "goal", "met", "transaction",
  ]

  /// Losses of images of ten classes, as a run with strategy `full` records them.
  package func losses(_ count: Int, timesteps: Int) throws -> [[Cell]] {
    let plan = try Template(timesteps: timesteps)
    let images = max(1, count / (timesteps * SyntheticRuns.classes))
    let losses = images * timesteps * SyntheticRuns.classes
    var (rates, plainRates, sizes, plainSizes, groups) = (
      [Double](), [Double](), [Double](), [Double](), [Double]()
    )
    for _ in 0..<repeats {
      let written = try timed { path in
        let (store, header) = (try RunStore(path, for: .write), plan.header(images))
        return {
          let writer = RunWriter(store)
          try writer.receive(.started(header))
          for position in 0..<images {
            try writer.receive(.predicted(plan.prediction(position)))
          }
          try writer.receive(
            .ended(RunEnding(status: .finished, wallSeconds: 1, cpuSeconds: 1, peakMemory: 1)))
          store.close()
          groups.append(Double(images) / Double(max(writer.cost.groups, 1)))
        }
      }
      rates.append(Double(losses) / written.seconds)
      sizes.append(Double(written.bytes) / Double(losses))
      let size = max(1, Int(groups[groups.count - 1].rounded()))
      let plain = try timed { path in
        let database = try plainDatabase(path, table: Self.lossTable)
        return { try write(plan, images, transaction: size, into: database) }
      }
      plainRates.append(Double(losses) / plain.seconds)
      plainSizes.append(Double(plain.bytes) / Double(losses))
    }
    let transaction = "\(Int(median(groups).rounded())) images"
    return [
      row(
        "losses of \(timesteps) timesteps", rates, "losses/s", plainRates, atLeast: 2e6, transaction
      ),
      row("room for them", sizes, "bytes/loss", plainSizes, atMost: 5.5, transaction),
    ]
  }

  /// Points of four series of metrics, as a training logs them.
  package func scalars(_ count: Int, transaction size: Int) throws -> [Cell] {
    let names = ["loss", "rate", "gradient_norm", "throughput"]
    let metrics = (0..<size).map { i in
      TrainingMetric(step: i / 4, name: names[i % 4], value: 1 / Double(i + 1))
    }
    let batches = max(1, count / size)
    var (rates, plainRates) = ([Double](), [Double]())
    for _ in 0..<repeats {
      let written = try timed { path in
        let store = try RunStore(path, for: .write)
        let writer = try TrainingWriter(
          store,
          TrainingHeader(
            id: ULID.make(), kind: "synthetic", recipe: "{}", dataset: "synthetic",
            datasetSHA256: SHA256.hexDigest(of: ""), initialSHA256: nil, steps: count,
            firstStep: 0, modelPath: "", threads: 1, blas: "", instructionSet: "",
            arguments: []))
        return {
          var batch = metrics
          for number in 0..<batches {
            for i in batch.indices { batch[i].step = (number * size + i) / 4 }
            try writer.log(batch)
          }
          store.close()
        }
      }
      rates.append(Double(batches * size) / written.seconds)
      let plain = try timed { path in
        let database = try plainDatabase(
          path,
          table: """
            CREATE TABLE point (
              series INTEGER, step INTEGER, arrival INTEGER, value REAL, logged_at INTEGER)
            """)
        return {
          try database.insert(
            "INSERT INTO point VALUES (?, ?, ?, ?, ?)", rows: batches * size, transaction: size
          ) { statement, i in
            sqlite3_bind_int64(statement, 1, Int64(i % 4))
            sqlite3_bind_int64(statement, 2, Int64(i / 4))
            sqlite3_bind_int64(statement, 3, Int64(i / 4))
            sqlite3_bind_double(statement, 4, metrics[i % size].value)
            sqlite3_bind_int64(statement, 5, 1_735_689_600_000)
          }
          try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }
      }
      plainRates.append(Double(batches * size) / plain.seconds)
    }
    return row("metrics", rates, "points/s", plainRates, share: 0.6, "\(size) points")
  }

  /// What recording takes of a real run, of the shipped model on Fashion-MNIST: the time that the
  /// run's threads spend in the writer, and the CPU time of the writer's own thread.
  package func logging(images: Int) throws -> [Cell] {
    let path = folder + "/logging.db"
    defer { remove(path) }
    var request = RunRequest()
    request.images = "\(images)"
    request.configuration.grid = "linear:0.05:3:50"
    let store = try RunStore(path, for: .write)
    defer { store.close() }
    var experiment = Experiment(request)
    experiment.title = "run of \(images) images"
    let outcome = try experiment.run(in: session, into: store)
    let cost = outcome.cost
    let share = (cost.calls + cost.cpu) / outcome.ending.wallSeconds
    return [
      .text("recording a run"), .real(rounded(100 * share)), .text("% of its wall time"), .null,
      .null, .text("≤ 1"), .text(share <= 0.01 ? "yes" : "no"),
      .text("\(rounded(Double(images) / Double(max(cost.groups, 1)))) images"),
    ]
  }

  /// Room that losses take which differ from image to image, their places included, in real runs of
  /// the shipped model by each strategy that eliminates classes; rows and pages are not counted.
  package func sparse(images: Int) throws -> [[Cell]] {
    try ["halving:5x10,1x50", "sift:2,50", "racing:0.05"].map { strategy in
      let path = folder + "/sparse.db"
      defer { remove(path) }
      var request = RunRequest()
      request.images = "\(images)"
      request.configuration.grid = "linear:0.05:3:50"
      request.configuration.strategy = strategy
      let store = try RunStore(path, for: .write)
      defer { store.close() }
      var experiment = Experiment(request)
      experiment.title = "\(strategy) on \(images) images"
      _ = try experiment.run(in: session, into: store)
      let table = try store.readOnly(
        """
        SELECT sum(length("values")) / 4,
          1.0 * sum(length("values") + coalesce(length(places), 0)) / (sum(length("values")) / 4)
        FROM loss
        """)
      let room = table.rows[0][1].number ?? 0
      return [
        .text("room for losses of \(strategy)"), .real(rounded(room)), .text("bytes/loss"),
        .null, .null, .text("≤ 5"), .text(room <= 5 ? "yes" : "no"),
        .text("\(table.rows[0][0].text(null: "")) losses"),
      ]
    }
  }

  // MARK: Plain SQLite

  private static let lossTable = """
    CREATE TABLE record (
      run TEXT, position INTEGER, predicted INTEGER, correct INTEGER, nfe INTEGER,
      gradients INTEGER, seconds REAL, elbo_0 REAL, elbo_1 REAL, elbo_2 REAL, elbo_3 REAL,
      elbo_4 REAL, elbo_5 REAL, elbo_6 REAL, elbo_7 REAL, elbo_8 REAL, elbo_9 REAL, losses BLOB)
    """

  private func plainDatabase(_ path: String, table: String) throws -> PlainDatabase {
    let database = try PlainDatabase(path)
    try database.execute(
      """
      PRAGMA page_size = 32768; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA cache_size = -65536; \(table)
      """)
    return database
  }

  private func write(
    _ plan: Template, _ images: Int, transaction: Int, into database: PlainDatabase
  ) throws {
    let values = "?" + String(repeating: ", ?", count: 17)
    try database.insert(
      "INSERT INTO record VALUES (\(values))", rows: images, transaction: transaction
    ) { statement, position in
      let prediction = plan.prediction(position)
      sqlite3_bind_text(statement, 1, plan.id, -1, PlainDatabase.copied)
      for (i, value) in [
        position, prediction.predicted, prediction.correct ? 1 : 0, prediction.nfe,
        prediction.gradients,
      ].enumerated() {
        sqlite3_bind_int64(statement, Int32(i + 2), Int64(value))
      }
      sqlite3_bind_double(statement, 7, prediction.seconds)
      for item in prediction.evidence {
        sqlite3_bind_double(statement, Int32(8 + item.label), item.elbo ?? 0)
      }
      guard case .dense(let losses)? = prediction.losses else { return }
      losses.withUnsafeBytes {
        _ = sqlite3_bind_blob(
          statement, 18, $0.baseAddress, Int32($0.count), PlainDatabase.copied)
      }
    }
    try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
  }
}
