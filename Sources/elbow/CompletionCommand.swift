import ArgumentParser
import Packaging

/// Prints what makes a shell complete command lines.
struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion", abstract: "Print the completion script of a shell.",
    discussion: """
      Names of runs, groups and columns come from the database that --db or $ELBOW_DB names. \
      'elbow install' puts the scripts of all three shells where these look for them.

      EXAMPLE:
        source <(elbow completion bash)
      """)

  @Argument(help: "bash, zsh or fish.") var shell: Shell

  func run() throws { try Output.write(shell.script) }
}

/// Tells a shell's script what could come next.
struct CompleteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "complete", abstract: "Print what could stand last on a command line.",
    discussion: """
      Nothing means that names of files are right.

      EXAMPLE:
        elbow complete fish -- compare @l
      """, shouldDisplay: false)

  @Argument(help: "bash, zsh or fish.") var shell: Shell
  @Argument(parsing: .postTerminator, help: "The words after the program's name.")
  var words: [String] = []

  func run() throws {
    let completion = Completion(try .elbow(), values: CompletionValues.at)
    try Output.write(shell.answer(words, completion))
  }
}

extension Shell: ExpressibleByArgument {}
