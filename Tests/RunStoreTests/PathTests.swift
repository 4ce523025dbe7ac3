import Basics
import Foundation
import RunStore
import TestSupport
import Testing

/// What can be named as a database.
@Suite struct PathTests {
  /// Anything but a file is refused, and nothing is waited for.
  @Test func othersAreRefused() throws {
    let folder = try TemporaryFolder()
    mkfifo(folder.file("fifo"), 0o600)
    for (path, kind) in [
      (folder.path, "folder"), ("/dev/null", "device"), (folder.file("fifo"), "pipe"), ("", "file"),
    ] {
      for access in [RunStore.Access.read, .write] {
        let error = try #require(throws: ElbowError.self) { try RunStore(path, for: access) }
        #expect(error.message.contains(kind), "\(error)")
      }
      #expect(throws: (any Error).self) { try RecordedNames(path) }
    }
  }
}
