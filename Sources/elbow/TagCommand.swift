import ArgumentParser
import Records
import RunStore

/// Sets and removes tags of runs.
struct TagCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tag", abstract: "Set and remove tags of runs.",
    usage: """
      elbow tag <run> ... <key=value> ... [--remove <key>]
      elbow tag <key=value> ... --where <condition> [--dry-run]
      """,
    discussion: """
      EXAMPLE:
        elbow tag @last stage=final
        elbow tag stage=old --where "accuracy < 50%" --dry-run
      """)

  @Argument(
    help: ArgumentHelp(
      "Runs: ids or their beginnings, @last, names; and tags.", valueName: "run|key=value"))
  var words: [String] = []
  @Option(help: ArgumentHelp("Tag to remove, may be repeated.", valueName: "key"))
  var remove: [String] = []
  @OptionGroup var changes: RunChanges

  func run() throws {
    let tags = try RunLabels.tags(words.filter { $0.contains("=") })
    guard !tags.isEmpty || !remove.isEmpty else {
      throw ValidationError("give a tag, as stage=final, or --remove one")
    }
    if let key = remove.first(where: { tags[$0] != nil }) {
      throw ValidationError("the tag '\(key)' is both set and removed")
    }
    let done = tags.isEmpty ? "without \(remove.joined(separator: ", "))" : "tagged"
    try changes.apply(to: words.filter { !$0.contains("=") }, done) { store, ids in
      try store.tag(ids, set: tags, removing: remove)
    }
  }
}
