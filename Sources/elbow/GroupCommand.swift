import ArgumentParser
import Records
import RunStore

/// Puts runs into a group.
struct GroupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "group", abstract: "Put runs into a group, or take them out of theirs.",
    usage: """
      elbow group <run> ... <name>
      elbow group <name> --where <condition> [--dry-run]
      elbow group <run> ... --none
      """,
    discussion: """
      EXAMPLE:
        elbow group @last @last~1 baseline
      """)

  @Argument(
    help: ArgumentHelp(
      "Runs: ids or their beginnings, @last, names; then the group.", valueName: "run|name"))
  var words: [String] = []
  @Flag(help: "Take them out of their groups.") var none = false
  @OptionGroup var changes: RunChanges

  func run() throws {
    let name = none ? nil : words.last
    guard none || name?.isEmpty == false else {
      throw ValidationError("name the group, or use --none")
    }
    _ = try RunLabels.checked(name, as: "the group")
    let done = none ? "in no group" : "grouped"
    try changes.apply(to: none ? words : words.dropLast(), done) { store, ids in
      try store.group(ids, name)
    }
  }
}
