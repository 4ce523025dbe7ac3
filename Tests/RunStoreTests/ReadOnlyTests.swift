import Basics
import Foundation
import GRDB
import Migrations
import Records
import RunStore
import TestSupport
import Testing

/// One whom permissions bind.
private enum AnotherUser {
  /// This program.
  static let program =
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""

  /// What comes before a command that another user is to run.
  static let prefix =
    geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []

  /// Whether one whom permissions bind can run this program; not where the checkout is root's alone.
  static let isPossible: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = prefix + ["test", "-x", program]
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()
}

/// Reading where nothing can be written.
///
/// Permissions do not bind root: what reads is another process of these tests, of another user where
/// root runs them.
@Suite(.enabled(if: AnotherUser.isPossible))
struct ReadOnlyTests {
  /// Is the reader in the other process, and nothing in the first.
  @Test func reader() throws {
    let environment = ProcessInfo.processInfo.environment
    guard let path = environment["ELBOW_TEST_READ"], let answer = environment["ELBOW_TEST_ANSWER"]
    else { return }
    let store = try RunStore(path, for: .read)
    let rows = try store.query("runs", columns: ["name", "n_done", "status"]).rows
    let losses = try store.readOnly("SELECT count(*) FROM losses").rows[0][0]
    let text = "\(rows)\n\(losses)\n\(store.notice ?? "no notice")"
    try FileHandle(forWritingTo: URL(fileURLWithPath: answer)).write(contentsOf: Data(text.utf8))
    if environment["ELBOW_TEST_MAY_WRITE"] == nil {
      #expect(throws: ElbowError.self) { try RunStore(path, for: .write) }
    }
  }

  /// A folder of its own with a database in it.
  private struct Folder: ~Copyable {
    let path =
      FileManager.default.temporaryDirectory.path(percentEncoded: false)
      + "elbow-folder-\(UUID().uuidString)"
    var database: String { path + "/elbow.db" }

    init() throws {
      for folder in [path, path + "-other", path + "-other/temporary"] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      }
      chmod(path + "-other/temporary", 0o777)
    }

    deinit {
      chmod(path, 0o755)
      for folder in [path, path + "-other"] {
        try? FileManager.default.removeItem(atPath: folder)
      }
    }

    var files: [String] {
      get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    /// What the reader says, while nobody may write but where `isShared`.
    func read(folder: mode_t = 0o555, file: mode_t = 0o444, mayWrite: Bool = false) throws
      -> String
    {
      let answer = path + "-other/answer"
      try Data().write(to: URL(fileURLWithPath: answer))
      chmod(answer, 0o666)
      for name in try files { chmod("\(path)/\(name)", file) }
      chmod(path, folder)
      defer {
        chmod(path, 0o755)
        for name in (try? files) ?? [] { chmod("\(path)/\(name)", 0o644) }
      }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        AnotherUser.prefix + [
          AnotherUser.program, "--testing-library", "swift-testing", "--filter",
          "ReadOnlyTests/reader",
        ]
      var environment = ProcessInfo.processInfo.environment
      environment["ELBOW_TEST_READ"] = database
      environment["ELBOW_TEST_ANSWER"] = answer
      environment["ELBOW_TEST_MAY_WRITE"] = mayWrite ? "1" : nil
      environment["TMPDIR"] = path + "-other/temporary"
      process.environment = environment
      let output = Pipe()
      (process.standardOutput, process.standardError) = (output, output)
      try process.run()
      let text = String(
        decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(text)")
      let left = try FileManager.default.contentsOfDirectory(atPath: path + "-other/temporary")
      #expect(left.isEmpty, "\(left)")
      return try String(contentsOfFile: answer, encoding: .utf8)
    }
  }

  private static let row = "\([[Cell.text("first"), .integer(1), .text("finished")]])"

  /// A file that nobody has open: nothing is made beside it.
  @Test func closedFilesAreReadInPlace() throws {
    let folder = try Folder()
    let store = try RunStore(folder.database, for: .write)
    try record(header(1), [prediction(0)], in: store)
    store.close()
    #expect(try folder.files == ["elbow.db"])
    #expect(try folder.read() == "\(Self.row)\ninteger(4)\nno notice")
    #expect(try folder.files == ["elbow.db"])
    // In a folder that anybody may write to, of a file that only its owner may.
    #expect(try folder.read(folder: 0o777, file: 0o644) == "\(Self.row)\ninteger(4)\nno notice")
    #expect(try folder.files == ["elbow.db"])
  }

  /// Rows that are only in the log are read, whether or not its writer lives.
  @Test func logsAreRead() throws {
    let folder = try Folder()
    let store = try RunStore(folder.database, for: .write)
    try record(header(1), [prediction(0)], in: store)
    #expect(try folder.files == ["elbow.db", "elbow.db-shm", "elbow.db-wal"])
    #expect(try folder.read() == "\(Self.row)\ninteger(4)\nno notice")
    // As a process leaves the files that was killed, copied without what only processes share.
    let killed = try Folder()
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: folder.database + suffix, toPath: killed.database + suffix)
    }
    for mode in [0o555, 0o777] as [mode_t] {
      #expect(
        try killed.read(folder: mode, file: 0o444) == "\(Self.row)\ninteger(4)\nno notice")
      #expect(try killed.files == ["elbow.db", "elbow.db-wal"])
    }
    withExtendedLifetime(store) {}
  }

  /// What a killed process had half written is taken back in a copy.
  @Test func halfWrittenFilesAreReadInACopy() throws {
    let folder = try Folder()
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try record(header(1), [prediction(0)], in: store)
    store.close()
    try database.copyHalfWritten(to: folder.database)
    #expect(try folder.read() == "\(Self.row)\ninteger(4)\nno notice")
    #expect(try folder.files == ["elbow.db", "elbow.db-journal"])
  }

  /// A file of an older schema is brought up to date in a copy, and says so.
  @Test func olderFilesAreReadInACopy() throws {
    let folder = try Folder()
    let schema = try #require(OldFilesTests.schemas.last)
    try OldFilesTests.copy(schema, to: folder.database)
    let before = try Data(contentsOf: URL(fileURLWithPath: folder.database))
    let answer = try folder.read()
    #expect(answer.contains("clean full") && answer.contains("a private copy was brought up to"))
    #expect(try folder.files == ["elbow.db"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.database)) == before)
  }

  /// Older views are passed over without a copy.
  @Test func olderViewsAreShadowed() throws {
    let folder = try Folder()
    let store = try RunStore(folder.database, for: .write)
    try record(header(1), [prediction(0)], in: store)
    store.close()
    let queue = try DatabaseQueue(patient: folder.database)
    try queue.writeWithoutTransaction { db in
      try db.execute(
        sql: """
          DROP VIEW runs; CREATE VIEW runs AS SELECT id FROM run; PRAGMA user_version = 0;
          PRAGMA wal_checkpoint(TRUNCATE)
          """)
    }
    try queue.close()
    #expect(try folder.read() == "\(Self.row)\ninteger(4)\nno notice")
    #expect(try folder.files == ["elbow.db"])
  }

  /// That a run has died cannot be written down, so it is said.
  @Test func deadRunsAreSaid() throws {
    let folder = try Folder()
    let store = try RunStore(folder.database, for: .write)
    let header = header(1)
    let writer = RunWriter(store)
    try writer.receive(.started(header))
    let queue = try DatabaseQueue(patient: folder.database)
    try queue.write { try $0.execute(sql: "UPDATE session SET pid_started = '1'") }
    try queue.close()
    let answer = try folder.read()
    #expect(answer.contains("dead runs could not be marked") && answer.contains(header.id))
    try writer.receive(.ended(ending))
    #expect(try folder.read().hasSuffix("no notice"))
  }

  /// One who may write the file as well leaves nothing that could keep its owner out.
  @Test(.enabled(if: geteuid() == 0)) func readersOfSharedFilesLeaveNoLogs() throws {
    let folder = try Folder()
    let store = try RunStore(folder.database, for: .write)
    try record(header(1), [prediction(0)], in: store)
    store.close()
    let answer = try folder.read(folder: 0o777, file: 0o666, mayWrite: true)
    #expect(answer == "\(Self.row)\ninteger(4)\nno notice")
    #expect(try folder.files == ["elbow.db"])
  }
}
