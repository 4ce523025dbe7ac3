import ArgumentParser
import Evaluation
import Packaging

extension CommandTree {
  /// Every command of the program, with the flags of `run` and `sweep` that `Arguments` rewrites.
  ///
  /// - Throws: `DecodingError` where ArgumentParser describes commands in another form.
  static func elbow() throws -> CommandTree {
    let keys = RequestKeys.all.map(CommandArgument.init)
    var tree = try CommandTree(dump: Elbow._dumpHelp()).adding(keys, to: "run")
      .adding(keys, to: "sweep")
    tree.setUsage(from: Elbow.self)
    return tree
  }

  /// Takes the usage, which dumps leave out, from the command that this one describes.
  private mutating func setUsage(from type: any ParsableCommand.Type) {
    usage = Elbow.usageString(for: type).split(separator: "\n").map(String.init)
    // Commands are described in the order in which they are listed; 'help' comes after them.
    let types = type.configuration.subcommands
    for index in commands.indices.prefix(types.count) {
      commands[index].setUsage(from: types[index])
    }
  }
}

extension CommandArgument {
  /// The flag of a field of a request.
  init(_ key: RequestKey) {
    switch key.form {
    case .toggle:
      self.init(.flag, flags: ["--\(key.name)", "--no-\(key.name)"], help: key.help)
    case .text, .list, .literal:
      self.init(
        .option, flags: ["--\(key.name)"], valueName: key.usage, help: key.help,
        choices: key.choices)
    }
  }
}
