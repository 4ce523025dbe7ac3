import Basics
import Foundation
import GRDB
import RunStore
import TestSupport
import Testing

/// What a process had half written when it was killed is taken back, whoever opens the file next: a new
/// file is without a log until its first moments are over.
@Suite struct HalfWrittenTests {
  private static func make(at path: String) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try record(header(1), [prediction(0)], in: store)
    store.close()
    try database.copyHalfWritten(to: path)
    // Without help, nobody can read it who does not write.
    var settings = GRDB.Configuration()
    settings.readonly = true
    #expect(throws: DatabaseError.self) {
      let queue = try DatabaseQueue(path: path, configuration: settings)
      try queue.read { _ = try Int.fetchOne($0, sql: "SELECT count(*) FROM run") }
    }
  }

  private static func names(_ store: RunStore) throws -> [[Cell]] {
    try store.query("runs", columns: ["name"]).rows
  }

  @Test(arguments: [RunStore.Access.read, .write]) func opens(_ access: RunStore.Access) throws {
    let database = TemporaryDatabase()
    try Self.make(at: database.path)
    let store = try RunStore(database.path, for: access)
    #expect(try Self.names(store) == [[.text("first")]])
    #expect(!FileManager.default.fileExists(atPath: database.path + "-journal"))
  }

  /// A source is only read, and taken back in a copy.
  @Test func merges() throws {
    let source = TemporaryDatabase()
    let whole = TemporaryDatabase()
    try Self.make(at: source.path)
    let before = try Data(contentsOf: URL(fileURLWithPath: source.path))
    _ = try RunStore.merge([source.path], into: whole.path)
    #expect(try Self.names(RunStore(whole.path, for: .read)) == [[.text("first")]])
    #expect(try Data(contentsOf: URL(fileURLWithPath: source.path)) == before)
    #expect(FileManager.default.fileExists(atPath: source.path + "-journal"))
  }
}
