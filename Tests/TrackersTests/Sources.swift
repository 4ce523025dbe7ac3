import Basics
import Experiments
import Foundation
import RunStore
import TestSupport

import Trackers

/// A database that sources are recorded into, with what was said of it.
struct Recorded {
  let folder: TemporaryFolder
  let database: String

  init(_ name: String = "elbow.db") throws {
    folder = try TemporaryFolder()
    database = folder.file(name)
  }

  /// Records a source.
  func record(
    _ source: some TrackerSource
  ) throws -> (totals: Importer.Totals, problems: [String]) {
    let store = try RunStore(database, for: .write)
    defer { store.close() }
    let problems = Notes()
    let watch = WorkWatch(update: { _ in }, note: { problems.add($0) })
    return (try Importer.record(source, into: store, watch: watch), problems.all)
  }

  /// Records lines of `elbow ingest`.
  func lines(_ lines: [String]) throws {
    let store = try RunStore(database, for: .write)
    defer { store.close() }
    let ingest = Ingest(into: store) { _ in }
    for line in lines {
      if let error = try ingest.take(line) { throw error }
    }
    try ingest.finish()
  }

  /// Rows of an answer, cells with bars between.
  func rows(_ sql: String) throws -> [String] {
    let store = try RunStore(database, for: .read)
    defer { store.close() }
    return try store.readOnly(sql).rows.map { row in
      row.map { cell in
        switch cell {
        case .null: "null"
        case .integer(let value): "\(value)"
        case .real(let value): "\(value)"
        case .text(let text): text
        case .blob(let bytes): "\(bytes.count) bytes"
        }
      }.joined(separator: "|")
    }
  }

  /// All that trackers know of the runs of the file, for comparison.
  func everything() throws -> [String] {
    try rows(
      """
      SELECT id, name, status, "group", note, error, started_at, finished_at FROM runs ORDER BY id
      """)
      + rows("SELECT run_id, key, value FROM run_tag ORDER BY 1, 2")
      + rows("SELECT run_id, name, step, value, logged_at FROM metrics ORDER BY 1, 2, 3")
      + rows("SELECT run_id, number, started_at, ended_at, wall_seconds FROM session ORDER BY 1, 2")
  }
}

/// What was told, from any thread.
final class Notes: @unchecked Sendable {
  private let lock = NSLock()
  private var notes: [String] = []
  var all: [String] { lock.withLock { notes } }
  func add(_ note: String) { lock.withLock { notes.append(note) } }
}
