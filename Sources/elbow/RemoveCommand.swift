import ArgumentParser
import RunStore

/// Moves runs to the trash.
struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Move runs to the trash.",
    discussion: """
      What is in the trash is in no list, view and query but 'elbow runs --deleted'; 'elbow \
      restore' brings it back, 'elbow gc' deletes it for good. A run on whose images or losses \
      others were made is kept unless they go along, and so is one that is running.

      EXAMPLE:
        elbow rm --status ec --dry-run
      """)

  @Argument(
    help: ArgumentHelp("Runs: ids or their beginnings, @last, names, or groups.", valueName: "run"))
  var prefixes: [String] = []
  @Flag(help: "Also those that were made from their images or losses.") var withDependants = false
  @OptionGroup var changes: RunChanges

  func run() throws {
    let store = try changes.database.edit()
    defer { store.close() }
    let ids = try changes.selection.runs(prefixes, in: store)
    let removed = try store.trash(ids, withDependants: withDependants, dryRun: changes.dryRun)
    try changes.report(removed, "moved to the trash", store)
  }
}
