import ArgumentParser
import Basics
import Benchmarks

/// Times the parts of the program on this machine.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Time the denoiser, an engine or the store on this machine.",
    discussion: """
      Formats of data have the machine, its cores, the program's version and commit, and the versions \
      of SQLite and the BLAS in every row; a table has them on a line below, on standard error.

      EXAMPLE:
        elbow bench denoiser
        elbow bench store
      """,
    subcommands: [BenchDenoiserCommand.self, BenchEngineCommand.self, BenchStoreCommand.self],
    defaultSubcommand: BenchDenoiserCommand.self)
}

extension FormatOption {
  /// Writes figures with the machine and the versions that they were measured on.
  func writeBenchmark(_ figures: ResultTable) throws {
    guard format == .table else { return try write(figures.withSurroundings) }
    try write(figures)
    Output.error(BenchSurroundings.line)
  }
}
