import ArgumentParser

/// Times the parts of the program on this machine.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Time the denoiser, an engine or the store on this machine.",
    discussion: """
      EXAMPLE:
        elbow bench denoiser
        elbow bench store
      """,
    subcommands: [BenchDenoiserCommand.self, BenchEngineCommand.self, BenchStoreCommand.self],
    defaultSubcommand: BenchDenoiserCommand.self)
}
