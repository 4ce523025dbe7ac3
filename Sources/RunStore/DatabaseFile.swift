import Basics
import Foundation
import GRDB

/// A database file with what SQLite keeps beside it, as this process may use them.
struct DatabaseFile {
  /// As given.
  let path: String
  /// Of the file itself, where `path` is a link.
  private let target: URL

  /// The file at `path`, which need not exist.
  init(_ path: String) {
    self.path = path
    target = URL(fileURLWithPath: path).resolvingSymlinksInPath()
  }

  /// The path as SQLite is to be given it: what looks like one of its own names, `file:…` or
  /// `:memory:`, is a file as well.
  static func plain(_ path: String) -> String {
    path.hasPrefix("file:") || path.hasPrefix(":") ? "./" + path : path
  }

  /// Which file a path leads to, however it is called.
  struct Identity: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64

    /// That of the file at `path`; nil where there is none.
    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      (device, inode) = (UInt64(truncatingIfNeeded: status.st_dev), UInt64(status.st_ino))
    }
  }

  /// Checks that a database can lie there: in a file, not in a folder, a pipe or a device.
  ///
  /// - Throws: `ElbowError`.
  func check() throws {
    guard !path.isEmpty else { throw ElbowError(.malformed, "`db` needs the name of a file") }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return }
    let kind = status.st_mode & S_IFMT == S_IFDIR ? "folder" : "pipe or a device"
    throw ElbowError(.inaccessible, "\(path): is a \(kind); name a file with `db`")
  }

  /// Whether there is such a file.
  var exists: Bool { FileManager.default.fileExists(atPath: path) }

  private func beside(_ suffix: String) -> String { target.path(percentEncoded: false) + suffix }

  /// Whether the file can be written, and a log made beside it.
  var isWritable: Bool {
    let folder = target.deletingLastPathComponent().path(percentEncoded: false)
    return [beside(""), folder].allSatisfy { FileManager.default.isWritableFile(atPath: $0) }
  }

  /// Whether there are rows that are not in the file itself yet.
  var hasRowsInLog: Bool { size(of: "-wal") > 0 }

  /// Whether the file alone is all of it: no row stands in a log, and no journal would take back what
  /// a process that died had half written.
  var isWhole: Bool { !hasRowsInLog && !hasJournal }

  private var hasJournal: Bool { size(of: "-journal") > 0 }

  private func size(of suffix: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: beside(suffix))
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  /// Whether there is a log, and what its readers share.
  var hasLog: Bool {
    ["-wal", "-shm"].allSatisfy { FileManager.default.isReadableFile(atPath: beside($0)) }
  }

  /// Whether the file is another user's.
  var isForeign: Bool {
    let attributes = try? FileManager.default.attributesOfItem(atPath: beside(""))
    guard geteuid() != 0, let owner = attributes?[.ownerAccountID] as? NSNumber else {
      // Root's logs are given to the owner of the file.
      return false
    }
    return owner.uint32Value != geteuid()
  }

  /// Name under which SQLite makes nothing beside the file, and looks at nothing there: right only
  /// where nobody writes it.
  var immutable: String {
    "file:"
      + (beside("").addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? beside(""))
      + "?immutable=1"
  }

  /// Name under which SQLite only reads the file.
  var readonly: String { immutable.replacing("immutable=1", with: "mode=ro") }

  /// Whether two names are of one file.
  func isSame(as other: DatabaseFile) -> Bool { target == other.target }

  /// What is to be known of a file before it is used.
  struct Findings {
    /// How far behind the schema it is.
    let age: Schema.Age
    /// What it has that Elbow did not make, as `Schema.stranger`.
    let stranger: String?
    /// Whether runs may be under way in it: of an older file that is asked when it is up to date.
    let hasRunning: Bool

    /// Those of the file that `db` reads.
    ///
    /// - Throws: `ElbowError` for another program's file, `DatabaseError`.
    init(_ db: Database, _ path: String, _ schema: Schema) throws {
      age = try schema.age(db, path)
      hasRunning =
        try age != .current
        || Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE status = 'running')")
          ?? true
      stranger = try schema.stranger(in: db)
    }
  }

  /// Looks at the file through a connection of its own.
  ///
  /// - Parameter name: under which it is opened; nil: its path.
  /// - Throws: `ElbowError` for another program's file, `DatabaseError`.
  func probe(_ schema: Schema, as name: String? = nil) throws -> Findings {
    let (queue, findings) = try opened(schema, as: name, Connection.settings(readonly: true))
    try? queue.close()
    return findings
  }

  /// Opens the file, which nobody may write by `settings`, and looks at it.
  ///
  /// - Parameter name: under which it is opened; nil: its path.
  /// - Throws: `ElbowError` for another program's file, `DatabaseError`.
  func opened(
    _ schema: Schema, as name: String? = nil, _ settings: Configuration
  ) throws -> (queue: DatabaseQueue, findings: Findings) {
    func open() throws -> (DatabaseQueue, Findings) {
      let queue = try DatabaseQueue(path: name ?? path, configuration: settings)
      do { return (queue, try queue.read { try Findings($0, path, schema) }) } catch {
        try? queue.close()
        throw error
      }
    }
    do { return try open() } catch let error as DatabaseError
      where error.extendedResultCode == .SQLITE_READONLY_ROLLBACK && name == nil && isWritable
    {
      try takeBack()
      return try open()
    }
  }

  /// Takes back what a process had half written that died in the middle of a transaction: SQLite does
  /// that for a writer only.
  private func takeBack() throws {
    let writer = try DatabaseQueue(path: path, configuration: Connection.settings())
    _ = try writer.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
    try writer.close()
  }

  /// Copies the file and its log or journal into a new folder, which only this user can enter.
  ///
  /// - Returns: the copy.
  /// - Throws: what copying throws; nothing is left then.
  func copied() throws -> DatabaseFile {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "elbow-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let copy = DatabaseFile(folder.appending(path: "copy.db").path(percentEncoded: false))
    do {
      // Again where somebody wrote meanwhile.
      for _ in 0..<10 {
        let before = state
        for suffix in ["", "-wal", "-journal"] {
          try? FileManager.default.removeItem(atPath: copy.path + suffix)
          if suffix.isEmpty || size(of: suffix) > 0 {
            try FileManager.default.copyItem(atPath: beside(suffix), toPath: copy.path + suffix)
            try FileManager.default.setAttributes(
              [.posixPermissions: 0o600], ofItemAtPath: copy.path + suffix)
          }
        }
        if state == before {
          if copy.hasJournal { try copy.takeBack() }
          return copy
        }
      }
      throw ElbowError(.inaccessible, "\(path): is being written, and cannot be shared; try again")
    } catch {
      copy.removeFolder()
      throw error
    }
  }

  /// Removes the folder of a copy; what is open stays open.
  func removeFolder() {
    try? FileManager.default.removeItem(at: target.deletingLastPathComponent())
  }

  /// Sizes and times of the file, its log and journal: another one after somebody has written.
  var state: [String] {
    ["", "-wal", "-journal"].map { suffix in
      let attributes = try? FileManager.default.attributesOfItem(atPath: beside(suffix))
      let time = (attributes?[.modificationDate] as? Date)?.timeIntervalSinceReferenceDate
      return "\(attributes?[.size] ?? 0) \(time ?? 0)"
    }
  }
}
