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
    // A device or pipe is written to as it is.
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if isFolder.boolValue {
      throw ElbowError(.inaccessible, "\(path): is a folder; name a file in it")
    }
    let type = (try? FileManager.default.attributesOfItem(atPath: path))?[.type]
    let isSpecial = exists && type as? FileAttributeType != .typeRegular
    let part = isSpecial ? path : path + ".part"
    guard let file = fopen(part, "w") else { throw failure(path) }
    var isOpen = true
    defer { if isOpen { fclose(file) } }
    do {
      try buffered(
        { text in
          guard fputs(text, file) >= 0 else { throw failure(path) }
        }, body)
      isOpen = false
      guard fclose(file) == 0, isSpecial || rename(part, path) == 0 else { throw failure(path) }
    } catch {
      if !isSpecial { unlink(part) }
      throw error
    }
  }

  /// Writes bytes in the same way.
  package static func write(_ path: String, _ data: Data) throws {
    do {
      try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw ElbowError(
        .inaccessible,
        "\(path): cannot be written (\(error.localizedDescription)); check its folder")
    }
  }

  private static func failure(_ path: String) -> ElbowError {
    ElbowError(
      .inaccessible,
      "\(path): cannot be written (\(String(cString: strerror(errno)))); check that its "
        + "folder exists and the disk has room")
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
