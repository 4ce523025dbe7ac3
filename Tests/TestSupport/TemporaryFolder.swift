import Foundation

/// A folder of its own for one test, gone with the value.
package final class TemporaryFolder: Sendable {
  /// Its path.
  package let path: String

  /// Makes it.
  package init() throws {
    path =
      FileManager.default.temporaryDirectory.path(percentEncoded: false)
      + "elbow-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in it, there or not.
  package func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file.
  ///
  /// - Returns: its path.
  @discardableResult
  package func write(_ name: String, _ text: String) throws -> String {
    try text.write(toFile: file(name), atomically: true, encoding: .utf8)
    return file(name)
  }

  /// Writes a file of bytes.
  package func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }
}
