import ArgumentParser
import Records
import Reporting
import RunStore
import Statistics

/// Which runs are changed, and whether they really are.
struct RunChanges: ParsableArguments {
  @OptionGroup(title: "Which runs") var selection: RunSelection
  @Flag(help: "Only list the runs.") var dryRun = false
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  /// Changes the runs that ids or conditions name, and says how many; a dry run lists them.
  ///
  /// - Parameters:
  ///   - done: what has been done to them, as `tagged`.
  ///   - change: does it, to full ids.
  func apply(
    to prefixes: [String], _ done: String, _ change: (RunStore, [String]) throws -> Void
  ) throws {
    let store = dryRun ? try database.read() : try database.edit()
    defer { store.close() }
    let ids = try selection.runs(prefixes, in: store)
    if !dryRun { try change(store, ids) }
    try report(ids, done, store)
  }

  /// Says how many runs were changed; of a dry run, lists them.
  ///
  /// - Parameter trashed: whether they are in the trash.
  func report(_ ids: [String], _ done: String, _ store: RunStore, trashed: Bool = false) throws {
    Output.note(
      "elbow: \(ids.count.counted("run")) \(dryRun ? "would be " : "")\(done)")
    guard dryRun, !ids.isEmpty else { return }
    let runs = try store.query(trashed ? .trash : .runs, where: .ids(ids))
    try format.write(
      format.format == .table ? RunSummary.table(runs) : runs)
  }
}
