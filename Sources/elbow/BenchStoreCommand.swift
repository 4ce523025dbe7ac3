import ArgumentParser
import Basics
import Benchmarks
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import Statistics

/// Times the store: what it takes in, and what it answers.
struct BenchStoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Time the store: losses and metrics recorded, and queries on a large file.",
    discussion: """
      Without a file it measures recording: losses and metrics a second beside plain SQLite in the \
      same run (one table, the C API, prepared statements; the same pages, journal, synchronous \
      and transactions), bytes a loss, and what recording takes of a real run's time. Share is the \
      store's part of what plain SQLite reaches. --generate makes a file of runs that nobody ran, \
      and --queries measures what opening it and the commands that read take; both may be given.

      EXAMPLE:
        elbow bench store
      """)

  @Option(help: ArgumentHelp("Make a file of synthetic runs.", valueName: "file"))
  var generate: String?
  @Option(help: "Runs of the file.") var runs = 10_000
  @Option(
    help: ArgumentHelp(
      "Losses of the file (default: 1e8), or of each measurement (default: 1e7).",
      valueName: "count"))
  var losses: String?
  @Option(help: "Seed of the file.") var seed: UInt64 = 0
  @Option(help: ArgumentHelp("Measure the commands that read a file.", valueName: "file"))
  var queries: String?
  @Option(
    name: [.customLong("timesteps"), .customLong("levels")],
    help: ArgumentHelp("Timesteps of the losses.", valueName: "counts"))
  var timesteps = "50,60,75,100,125"
  @Option(help: "Points of metrics.") var points = 2_000_000
  @Option(help: "Points of metrics in each transaction.") var transaction = 10_000
  @Option(help: "Images of the real run; 0: none.") var images = 24
  @Option(help: "Repetitions, of which the medians are given.") var repeats = 5
  @Option(help: "Folder for files that are deleted again (default: that for temporary files).")
  var folder: String?
  @OptionGroup var format: FormatOption

  func validate() throws {
    for (flag, value, most) in [
      ("runs", runs, 1_000_000), ("points", points, 1 << 32), ("transaction", transaction, 1 << 24),
      ("repeats", repeats, 1000),
    ] where !(1...most).contains(value) {
      throw ValidationError("--\(flag) must be 1 to \(most), got \(value)")
    }
    guard (0...10_000).contains(images) else {
      throw ValidationError("--images must be 0 to 10000, got \(images)")
    }
    if let losses, number(losses) == nil {
      throw ValidationError("--losses must be a number, as 1e8, got '\(losses)'")
    }
    let counts = timesteps.split(separator: ",").map { Int($0) ?? 0 }
    guard !counts.isEmpty, counts.allSatisfy({ (1...10_000).contains($0) }) else {
      throw ValidationError("--timesteps must be counts with commas between, got '\(timesteps)'")
    }
  }

  private func number(_ text: String) -> Int? {
    Double(text).flatMap { (1...1e12).contains($0) ? Int($0) : nil }
  }

  func run() throws {
    if let generate {
      let runs = try SyntheticRuns(
        seed: seed, runs: runs, losses: losses.flatMap(number) ?? 100_000_000)
      try write(runs, to: generate)
    }
    if let queries {
      let measured = try StoreQueries(path: queries, repeats: repeats).measure()
      try format.writeBenchmark(ResultTable(columns: StoreQueries.columns, rows: measured))
    }
    if generate == nil, queries == nil { try measureRecording() }
  }

  private func measureRecording() throws {
    let folder =
      (folder ?? NSTemporaryDirectory())
      + "/elbow-bench-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let ingest = StoreIngest(
      folder: folder, repeats: repeats,
      session: Session(watch: Output.watch, arguments: Output.arguments))
    var rows: [[Cell]] = []
    for count in timesteps.split(separator: ",").compactMap({ Int($0) }) {
      rows += try ingest.losses(losses.flatMap(number) ?? 10_000_000, timesteps: count)
    }
    rows.append(try ingest.scalars(points, transaction: transaction))
    if images > 0 {
      rows.append(try ingest.logging(images: images))
      rows += try ingest.sparse(images: images)
    }
    try format.writeBenchmark(ResultTable(columns: StoreIngest.columns, rows: rows))
    Output.error("WAL, synchronous FULL, pages of 32 KiB, on both sides")
  }

  /// Writes the runs, a hundred a transaction, then what only time does to runs.
  private func write(_ runs: SyntheticRuns, to path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else {
      throw ElbowError(.malformed, "\(path) exists already; name another file")
    }
    let store = try RunStore(path, for: .write)
    let writer = ReplayWriter(store)
    for start in stride(from: 0, to: runs.plans.count, by: 100) {
      let part = runs.plans[start..<min(start + 100, runs.plans.count)]
      try writer.record(
        part.map { plan in
          let status = RunEnding.Status(rawValue: plan.status) ?? .interrupted
          let error = status == .failed ? "a synthetic failure" : nil
          return (
            try runs.header(plan), try runs.predictions(plan),
            RunEnding(
              status: status, error: error, wallSeconds: 60, cpuSeconds: 100, peakMemory: 1 << 28)
          )
        })
      Output.watch(WorkUpdate("synthetic", start + part.count, of: runs.plans.count, "runs"))
    }
    store.close()
    let database = try PlainDatabase(path)
    try database.execute("BEGIN")
    for plan in runs.plans {
      let time = runs.start(plan.index).ISO8601Format(
        .init(includingFractionalSeconds: true, timeZone: .gmt))
      let status = plan.status == "crashed" ? ", status = 'crashed', finished_at = NULL" : ""
      let trash = plan.isTrashed ? ", deleted_at = '\(time)'" : ""
      try database.execute(
        """
        UPDATE run SET started_at = '\(time)',
          finished_at = strftime('%Y-%m-%dT%H:%M:%fZ', '\(time)', '+1 minutes')\(status)\(trash)
        WHERE id = '\(runs.id(plan.index))'
        """)
    }
    // What has just been changed is not what was recorded.
    try database.execute("DELETE FROM run_checksum")
    try database.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
    // A program that writes keeps what follows from it.
    try RunStore(path, for: .write).close()
    let size =
      (try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.intValue ?? 0
    let losses = runs.plans.reduce(0) { sum, plan in
      sum + plan.losses / plan.images * (plan.status == "finished" ? plan.images : plan.images / 2)
    }
    Output.error(
      "\(path): \(runs.plans.count.counted("run")), \(losses.counted("loss")), "
        + String(
          format: "%.0f MB, %.2f bytes/loss", Double(size) / 1e6, Double(size) / Double(losses)))
  }
}
