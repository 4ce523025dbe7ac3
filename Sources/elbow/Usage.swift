import ArgumentParser

/// How a command is used, for one that was used wrongly.
enum Usage {
  /// A message with the usage of `command`, as ArgumentParser writes what it finds while parsing.
  static func message(_ error: ValidationError, of command: any ParsableCommand.Type) -> String {
    let usage = Elbow.usageString(for: command).replacing("\n", with: "\n       ")
    let names = names(of: command, below: Elbow.self) ?? []
    return """
      Error: \(error.message)
      Usage: \(usage)
        See '\((names + ["--help"]).joined(separator: " "))' for more information.
      """
  }

  /// The names that lead to `command`, from `root` on.
  private static func names(
    of command: any ParsableCommand.Type, below root: any ParsableCommand.Type
  ) -> [String]? {
    if command == root { return [root._commandName] }
    return root.configuration.subcommands.lazy.compactMap { names(of: command, below: $0) }.first
      .map { [root._commandName] + $0 }
  }
}
