import ArgumentParser
import RunStore

/// Brings runs back from the trash.
struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Bring runs back from the trash.",
    discussion: """
      Runs that they were made from come along.

      EXAMPLE:
        elbow restore --where "name = 'first'"
      """)

  @Argument(
    help: ArgumentHelp("Runs: ids or their beginnings, @last, names, or groups.", valueName: "run"))
  var prefixes: [String] = []
  @OptionGroup var changes: RunChanges

  func run() throws {
    let store = try changes.database.edit()
    defer { store.close() }
    let ids = try changes.selection.runs(prefixes, in: store, trashed: true)
    let restored = try store.restore(ids, dryRun: changes.dryRun)
    try changes.report(restored, "restored", store, trashed: true)
  }
}
