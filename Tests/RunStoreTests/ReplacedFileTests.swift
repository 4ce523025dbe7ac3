import Basics
import Foundation
import Records
import RunStore
import TestSupport
import Testing

/// Files that go away, or become others, while they are written.
@Suite struct ReplacedFileTests {
  private func expectLoss(_ body: () throws -> Void) throws {
    let error = try #require(throws: ElbowError.self) { try body() }
    #expect(error.message.contains("deleted, moved or replaced"), "\(error)")
  }

  private func names(_ path: String) throws -> [[Cell]] {
    let store = try RunStore(path, for: .read)
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
    return try store.readOnly("SELECT name FROM runs ORDER BY name").rows
  }

  /// A run, recorded under a name.
  private func recordNamed(_ name: String, in store: RunStore) throws {
    var header = header(1)
    header.labels.name = name
    try record(header, [prediction(0)], in: store)
  }

  @Test func deletedFilesAreMissed() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.db")
    let store = try RunStore(path, for: .write)
    try recordNamed("kept", in: store)
    for suffix in ["", "-wal", "-shm"] { try FileManager.default.removeItem(atPath: path + suffix) }
    try expectLoss { try recordNamed("lost", in: store) }
    try expectLoss { _ = try store.query("runs") }
    try expectLoss { _ = try store.collect(dryRun: false) }
    store.close()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  /// The file that comes in its place stays as it was, and the old one has all that was recorded.
  @Test(arguments: [false, true]) func replacedFilesAreLeftAlone(withLog: Bool) throws {
    let folder = try TemporaryFolder()
    let (path, other, aside) = (folder.file("a.db"), folder.file("b.db"), folder.file("old.db"))
    let store = try RunStore(path, for: .write)
    try recordNamed("old", in: store)
    let second = try RunStore(other, for: .write)
    try recordNamed("new", in: second)
    // Larger than the old one: sizes that readers share must not be taken for its.
    for _ in 0..<200 { try recordNamed("new", in: second) }
    if !withLog { second.close() }
    // As mv or a restored backup does it, with the log or without.
    rename(path, aside)
    for suffix in withLog ? ["", "-wal", "-shm"] : [""] { rename(other + suffix, path + suffix) }
    let moved = withLog ? nil : try Data(contentsOf: URL(fileURLWithPath: path))
    try expectLoss { try recordNamed("lost", in: store) }
    try expectLoss { try recordNamed("lost", in: store) }
    store.close()
    #expect(try names(path).count == 201)
    if let moved { #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == moved) }
    #expect(try names(aside) == [[.text("old")]])
    withExtendedLifetime(second) {}
  }

  /// A run that is under way ends with the error, and says nothing else.
  @Test func runsFail() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.db")
    let store = try RunStore(path, for: .write)
    let acknowledged = Counter()
    let writer = RunWriter(store) { acknowledged.add($0.count) }
    try writer.receive(.started(header(2)))
    try FileManager.default.removeItem(atPath: path)
    try expectLoss {
      try writer.receive(.predicted(prediction(0)))
      try writer.receive(.ended(ending))
    }
    #expect(acknowledged.count == 0)
  }
}

/// Counts from any thread.
final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var value = 0
  var count: Int { lock.withLock { value } }
  func add(_ more: Int) { lock.withLock { value += more } }
}
