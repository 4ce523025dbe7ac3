import Basics
import Foundation

/// A file that is there whole or not at all: what goes wrong half-way leaves the old one.
package enum OutputFile {
  /// Takes a piece of text.
  package typealias Sink = (String) throws -> Void

  /// Writes what `body` gives to `path`.
  ///
  /// - Throws: `ElbowError`, and what `body` throws.
  package static func write(_ path: String, _ body: (@escaping Sink) throws -> Void) throws {
    // Of what a link leads to.
    var status = stat()
    let kind = stat(path, &status) == 0 ? status.st_mode & S_IFMT : S_IFREG
    if kind == S_IFDIR {
      throw ElbowError(.inaccessible, "\(path): is a folder; name a file in it")
    }
    guard kind == S_IFREG else { return try writeSpecial(path, body) }
    let file = try WholeFile(path)
    try buffered(
      { text in
        var text = text
        try text.withUTF8 { try file.write(UnsafeRawBufferPointer($0)) }
      }, body)
    try file.finish()
  }

  /// Writes to a device or a pipe as it is.
  private static func writeSpecial(
    _ path: String, _ body: (@escaping Sink) throws -> Void
  ) throws {
    guard let file = fopen(path, "w") else { throw WholeFile.failure(path) }
    var isOpen = true
    defer { if isOpen { fclose(file) } }
    try buffered(
      { text in
        guard fputs(text, file) >= 0 else { throw WholeFile.failure(path) }
      }, body)
    isOpen = false
    guard fclose(file) == 0 else { throw WholeFile.failure(path) }
  }

  /// Writes bytes in the same way.
  package static func write(_ path: String, _ data: Data) throws {
    try WholeFile.write(data, to: path)
  }

  /// Collects short texts, so that few calls are made.
  package static func buffered(
    _ sink: @escaping Sink, _ body: (@escaping Sink) throws -> Void
  ) throws {
    var waiting = ""
    try body { text in
      waiting += text
      if waiting.utf8.count > 1 << 16 {
        try sink(waiting)
        waiting = ""
      }
    }
    if !waiting.isEmpty { try sink(waiting) }
  }
}
