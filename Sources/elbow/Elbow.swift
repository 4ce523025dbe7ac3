import ArgumentParser

/// The `elbow` command.
@main
struct Elbow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "elbow",
    abstract: "Runs diffusion classifiers, records every run in SQLite, and compares them.")
}
