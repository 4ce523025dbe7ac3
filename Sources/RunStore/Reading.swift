import Basics
import Foundation
import GRDB

/// A file opened for reading, written first where that can be done and is needed: the schema brought up
/// to date, runs whose process has died marked.
///
/// Where the file or its folder cannot be written nothing is made there. The file is read in place,
/// or, where rows stand in its log and what readers share is missing, or its tables are of an older
/// schema, in a copy that is removed once it is open.
struct Reading {
  /// A connection that only reads.
  let queue: DatabaseQueue
  /// What could not be done; nil: nothing.
  let notice: String?
  /// Whether the connection leaves a log beside another user's file, as one that only reads does.
  let leavesLog: Bool

  /// Opens `file`.
  ///
  /// - Throws: `ElbowError`, `DatabaseError`.
  init(_ file: DatabaseFile, _ schema: Schema, _ watch: WorkWatch = .none) throws {
    if file.isWritable {
      leavesLog = file.isForeign && !file.hasLog
      let (probed, found) = try file.opened(schema, RunStore.settings(readonly: true))
      if let stranger = found.stranger, found.age != .newer {
        try probed.close()
        guard found.age < .olderTables else {
          throw Self.cannotBeBroughtUpToDate(file.path, stranger)
        }
        // Its own views are passed over.
        queue = try Self.open(file.path, views: schema)
        notice = "\(file.path): \(stranger)"
        return
      }
      notice = found.age == .newer ? Self.isNewer(file.path) : nil
      let isBehind = found.age == .olderViews || found.age == .olderTables
      if isBehind {
        try probed.close()
        try schema.bringUpToDate(file.path, watch: watch)
      }
      if found.hasRunning, found.age != .newer { Self.markDeadRuns(file.path) }
      queue = isBehind ? try Self.open(file.path) : probed
      return
    }
    leavesLog = false
    let (opened, isCopy) = try Self.openWhereItLies(file)
    switch try opened.read({ try schema.age($0, file.path) }) {
    case .newer: (queue, notice) = (opened, Self.isNewer(file.path))
    case .current: (queue, notice) = (opened, try Self.deadRuns(opened, file.path))
    case .olderViews:
      try opened.close()
      queue = try isCopy ? Self.openCopy(of: file, schema) : Self.openInPlace(file, schema)
      notice = try Self.deadRuns(queue, file.path)
    case .olderTables:
      let stranger = try opened.read(schema.stranger)
      try opened.close()
      if let stranger { throw Self.cannotBeBroughtUpToDate(file.path, stranger) }
      queue = try Self.openCopy(of: file, schema)
      let old =
        "\(file.path) is of an older Elbow and cannot be written: a private copy was brought "
        + "up to date and is read; it is quicker once somebody who may write it has opened it"
      notice = [old, try Self.deadRuns(queue, file.path)].compactMap(\.self)
        .joined(separator: "\n")
    }
  }

  private static func cannotBeBroughtUpToDate(_ path: String, _ stranger: String) -> ElbowError {
    ElbowError(
      .damaged,
      "\(path): is of an older Elbow and cannot be brought up to date: it \(stranger)")
  }

  private static func isNewer(_ path: String) -> String {
    "\(path) was written by a newer Elbow: opened for reading only; update Elbow to record"
  }

  private static func open(_ path: String, views: Schema? = nil) throws -> DatabaseQueue {
    let queue = try DatabaseQueue(
      path: path, configuration: RunStore.settings(readonly: true, views: views?.views))
    // Opening itself reads nothing.
    _ = try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
    return queue
  }

  /// Opens a file that cannot be written, in a copy where that is the only way.
  private static func openWhereItLies(
    _ file: DatabaseFile
  ) throws -> (queue: DatabaseQueue, isCopy: Bool) {
    do { return (try openInPlace(file), false) } catch {
      // What cannot be read cannot be copied either: then the first error says more.
      guard let copy = try? openCopy(of: file) else { throw error }
      return (copy, true)
    }
  }

  /// Opens a file that cannot be written, without making anything beside it.
  ///
  /// - Parameter views: whose views come before the file's own.
  /// - Throws: `DatabaseError` where that cannot be done.
  private static func openInPlace(
    _ file: DatabaseFile, _ views: Schema? = nil
  ) throws -> DatabaseQueue {
    if file.hasLog { return try open(file.path, views: views) }
    guard file.isWhole else {
      throw DatabaseError(resultCode: .SQLITE_CANTOPEN, message: "rows stand in the log")
    }
    return try open(file.immutable, views: views)
  }

  /// Opens a copy of `file`, brought up to date where `schema` is given, and removes its name.
  private static func openCopy(
    of file: DatabaseFile, _ schema: Schema? = nil
  ) throws -> DatabaseQueue {
    let copy = try file.copied()
    defer { copy.removeFolder() }
    try schema?.bringUpToDate(copy.path, isCopy: true)
    // A file without a log needs nothing beside it.
    let writer = try DatabaseQueue(path: copy.path, configuration: Connection.settings())
    try writer.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
    try writer.close()
    return try open(copy.path)
  }

  // MARK: Runs whose process has died

  private static func markDeadRuns(_ path: String) {
    // Best effort: the view's own rule, the age of the heartbeat, stands.
    guard
      let queue = try? DatabaseQueue(
        path: path, configuration: RunStore.settings(readonly: false))
    else { return }
    try? RunStore.declareDeadRuns(in: queue)
    try? queue.close()
  }

  private static func deadRuns(_ queue: DatabaseQueue, _ path: String) throws -> String? {
    let dead = try queue.read(RunStore.deadRuns)
    guard !dead.isEmpty else { return nil }
    return "\(path) cannot be written, so that dead runs could not be marked and may be shown as "
      + "running: \(dead.joined(separator: ", "))"
  }
}
