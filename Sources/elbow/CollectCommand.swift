import ArgumentParser
import Basics
import Foundation
import Records
import RunStore

/// Empties the trash.
struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc", abstract: "Delete the runs in the trash for good, and shrink the file.",
    discussion: """
      Configurations, models, images and code diffs that no run refers to go as well. Bytes are \
      those of the pages that a deletion frees, measured by deleting; --dry-run takes it back. The \
      file shrinks by at least as much.

      EXAMPLE:
        elbow gc --dry-run
      """)

  @Flag(help: "Only tell what would be deleted.") var dryRun = false
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let store = try database.edit()
    defer { store.close() }
    let result = try store.collect(dryRun: dryRun)
    let parts = result.parts.filter { $0.rows > 0 }
    if !parts.isEmpty || format.format != .table {
      try format.write(
        ResultTable(
          columns: ["deleted", "rows", "bytes"],
          rows: parts.map { [.text($0.what), .integer(Int64($0.rows)), .integer(Int64($0.bytes))] })
      )
    }
    if let after = result.sizeAfter {
      Output.note(
        "elbow: \(database.path): \(Self.size(result.sizeBefore)) before, \(Self.size(after)) after"
      )
    } else {
      Output.error(
        "elbow: \(database.path): \(Self.size(result.sizeBefore)); gc would free "
          + "\(Self.size(result.bytes)) or more")
    }
  }

  private static func size(_ bytes: Int) -> String {
    bytes < 1 << 20
      ? "\((bytes + 512) / 1024) KiB" : String(format: "%.1f MiB", Double(bytes) / 1_048_576)
  }
}
