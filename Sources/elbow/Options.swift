import ArgumentParser
import Basics
import Foundation
import Records
import Reporting
import RunStore
import Statistics

/// Which database.
struct DatabaseOption: ParsableArguments {
  @Option(help: "Database file (default: $ELBOW_DB, else elbow.db).")
  var db: String?

  var path: String {
    db ?? ProcessInfo.processInfo.environment["ELBOW_DB"].flatMap { $0.isEmpty ? nil : $0 }
      ?? "elbow.db"
  }

  /// ` --db FILE` for commands to try next; empty where the file is the default.
  var flag: String { db.map(Self.flag) ?? "" }

  /// The same for a path.
  static func flag(_ db: String) -> String { " --db " + db.shellWord }

  /// Opens the database for queries and passes its notice on.
  func read() throws -> RunStore {
    let store = try RunStore(path, for: .read, watch: Output.watch)
    if let notice = store.notice { Output.error("elbow: \(Output.spelled(notice))") }
    return store
  }

  /// Opens the database for recording; it is made where there is none.
  func record() throws -> RunStore { try RunStore(path, for: .write, watch: Output.watch) }

  /// Opens a database that is there for changing what it holds.
  func edit() throws -> RunStore {
    guard FileManager.default.fileExists(atPath: path) else { return try read() }
    return try record()
  }
}

extension TableFormat: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}

extension TableFormat {
  /// Writes a table to standard output, on a terminal in the width there is.
  ///
  /// - Parameters:
  ///   - keepsAll, asked, stub: as of `TerminalTable`.
  ///   - remedy: how to see the columns that are left out; nil: as everywhere.
  func write(
    _ table: ResultTable, keepsAll: Bool = false, asked: [String] = [], stub: Int = 0,
    remedy: String? = nil
  ) throws {
    guard self == .table else { return try write(table, into: Output.writeForeign) }
    let shown = TerminalTable(table, keepsAll: keepsAll, asked: asked, stub: stub)
      .output(width: Output.width, style: Output.style)
    try Output.write(shown.text)
    let notice =
      remedy.map { shown.notice(remedy: $0, width: Output.width) }
      ?? shown.notice(width: Output.width)
    if let notice { Output.note(Output.spelled(notice)) }
  }
}

/// How tables are written.
struct FormatOption: ParsableArguments {
  @Option(help: "Form of the output.")
  var format: TableFormat = .table

  /// Writes a table: see `TableFormat.write`.
  func write(
    _ table: ResultTable, keepsAll: Bool = false, asked: [String] = [], stub: Int = 0,
    remedy: String? = nil
  ) throws {
    try format.write(table, keepsAll: keepsAll, asked: asked, stub: stub, remedy: remedy)
  }
}

/// Where the images of a run are, where they have moved since.
struct MovedData: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Folder of the dataset's files (default: where they were).", valueName: "dir"))
  var data: String?
}
