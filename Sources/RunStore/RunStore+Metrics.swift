import Basics
import Foundation
import GRDB

/// What a series of metrics belongs to.
enum MetricOwner {
  case run(String), training(String)

  /// The column of `metric_series` that names it.
  var column: String {
    switch self {
    case .run: "run_id"
    case .training: "training_id"
    }
  }
  var id: String {
    switch self {
    case .run(let id), .training(let id): id
    }
  }
}

extension RunStore {
  /// Logs metrics of a run in one transaction.
  ///
  /// - Parameter run: full id.
  /// - Throws: `ElbowError`; nothing is logged then.
  func log(_ entries: [MetricEntry], run: String) throws {
    guard !entries.isEmpty else { return }
    try writing { db in
      guard
        try Bool.fetchOne(
          db, sql: "SELECT deleted_at IS NULL FROM run WHERE id = ?", arguments: [run]) == true
      else { throw ElbowError(.missing, "run \(run) is gone, or in the trash") }
      try append(entries, to: .run(run), db)
    }
  }

  /// Adds points to series, which begin with their first point.
  func append(_ entries: [MetricEntry], to owner: MetricOwner, _ db: Database) throws {
    var points = MetricPoints(self, owner, db)
    // One after the greatest step of the file, looked up where it is needed, and of these entries.
    var (recorded, next): (Int?, Int) = (nil, 0)
    for entry in entries {
      if entry.step == nil, recorded == nil { recorded = try nextStep(owner, db) }
      let step = entry.step ?? max(recorded ?? 0, next)
      try Self.check(step: step)
      if recorded != nil || !entry.values.isEmpty { next = max(next, step + 1) }
      let time = Self.milliseconds(entry.time)
      for (name, value) in entry.values {
        try points.add(name, step: step, value: value, milliseconds: time)
      }
    }
    try points.insert()
  }

  /// Milliseconds since 1970, as points have them.
  static func milliseconds(_ time: Date) -> Int {
    Int(nearest: (time.timeIntervalSince1970 * 1000).rounded())
  }

  private func nextStep(_ owner: MetricOwner, _ db: Database) throws -> Int {
    try Int.fetchOne(
      db,
      sql: """
        SELECT max((SELECT max(step) + 1 FROM metric_point WHERE series_id = metric_series.id))
        FROM metric_series WHERE \(owner.column) = ?
        """, arguments: [owner.id]) ?? 0
  }

  /// - Throws: `ElbowError` for a name or step out of form.
  static func check(_ entry: MetricEntry) throws {
    for name in entry.values.keys { try check(metric: name) }
    try entry.step.map(check(step:))
  }

  static func check(step: Int) throws {
    guard (0...1 << 53).contains(step) else {
      throw ElbowError(.malformed, "step \(step): steps are 0 to \(1 << 53)")
    }
  }

  /// - Throws: `ElbowError` where a metric cannot be called so.
  static func check(metric name: String) throws {
    guard !name.isEmpty, !name.contains(where: { $0.isWhitespace || "=()\"`".contains($0) }) else {
      throw ElbowError(
        .malformed,
        "'\(name)' is no name of a metric; leave out white space, quotes, parentheses and '='")
    }
  }

  /// A series, made where there is none yet.
  func series(
    _ name: String, _ owner: MetricOwner, _ db: Database
  ) throws -> (id: Int, points: Int) {
    try Self.check(metric: name)
    try db.cachedStatement(
      sql: "INSERT INTO metric_series (\(owner.column), name) VALUES (?, ?) ON CONFLICT DO NOTHING"
    ).execute(arguments: [owner.id, name])
    let found = try Row.fetchOne(
      db.cachedStatement(
        sql: "SELECT id, points FROM metric_series WHERE \(owner.column) = ? AND name = ?"),
      arguments: [owner.id, name])
    guard let found, let id = found.integer("id"), let points = found.integer("points") else {
      throw ElbowError(.inaccessible, "\(path): the series '\(name)' cannot be made")
    }
    return (Int(id), Int(points))
  }
}
