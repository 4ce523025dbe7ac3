import ArgumentParser
import Basics
import Engines
import Evaluation
import Experiments
import Reporting

/// Networks that other processes compute.
struct EngineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine", abstract: "Let another process compute the network.",
    discussion: """
      An engine is a command that serves a denoiser or a classifier over its standard input and \
      output; noise, strategies, attacks and records stay Elbow's own. The article 'Engines' has the \
      protocol.

      EXAMPLE:
        elbow engine python > serve.py
        elbow run --engine 'python3 serve.py model.safetensors' --images 100
      """,
    subcommands: [Python.self, Check.self])

  /// Prints the server.
  struct Python: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a server for modules of PyTorch.",
      discussion: """
        It serves EDM networks (safetensors files, and pickles where NVlabs/edm is on PYTHONPATH), \
        class-conditional UNet2DModels of diffusers, and classifiers; it needs PyTorch alone.

        EXAMPLE:
          elbow engine python > serve.py
        """)

    func run() throws { try Output.write(EngineServer.python) }
  }

  /// Compares an engine with a model.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare an engine with the same network computed here.",
      discussion: """
        Residuals and gradients are compared at five noise levels, then the ELBOs and answers of a \
        whole run. Exit status 1: they are not the same network.

        EXAMPLE:
          elbow engine check 'python3 serve.py m.safetensors' --against m.safetensors
        """)

    @Argument(help: "The engine's command.") var command: String
    @Option(help: "Shipped model or safetensors file.") var against: String
    @Option(help: "Which images a whole run classifies.") var images = "10"
    @Option(help: "Noise levels of that run.") var grid = "linear:0.05:3:10"
    @Option(help: "Worker threads (default: all cores).") var threads: Int?
    @OptionGroup var format: FormatOption

    func run() throws {
      try RunCommand.check(threads: threads, batch: nil)
      var request = RunRequest()
      (request.images, request.configuration.grid) = (images, grid)
      let session = Session(threads: threads, watch: Output.watch)
      let check = try EngineCheck(command, against: against, request, in: session)
      try format.write(
        ResultTable(
          columns: ["compared", "n", "worst", "allowed", "good"],
          rows: check.findings.map {
            [
              .text($0.item), .integer(Int64($0.count)), .real($0.error), .real($0.tolerance),
              .integer($0.isGood ? 1 : 0),
            ]
          }))
      Output.error(
        "elbow: \(check.hello.name), \(check.hello.environment): \(Int(check.rate)) evaluations a second"
      )
      if !check.findings.allSatisfy(\.isGood) { throw ExitCode(1) }
    }
  }
}
