import ArgumentParser
import Benchmarks
import Foundation
import TensorCore

/// Times an engine through its pipe.
struct BenchEngineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine",
    abstract: "Time what another process computes, through its pipe.",
    discussion: """
      Rows a second: of a denoiser an image at one noise level for one class, asked for as runs ask, \
      all classes at once and as many images in flight as keep the engine busy; gradients likewise. \
      peak_mebibytes is this process's memory, not the engine's. 'serve.py --bench N' times the same in \
      a bare loop without a pipe.

      EXAMPLE:
        elbow bench engine 'python3 serve.py model.safetensors'
      """)

  @Argument(help: "The engine's command.") var command: String
  @Option(help: "Worker threads of this process (default: all cores).") var threads: Int?
  @Option(help: "Seconds for each figure.") var seconds = 4.0
  @OptionGroup var format: FormatOption

  func validate() throws {
    guard (1...1024).contains(threads ?? 1) else {
      throw ValidationError("--threads must be 1 to 1024")
    }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0 and at most 3600")
    }
  }

  func run() throws {
    try format.writeBenchmark(
      try EngineBenchmark(
        command: command,
        workers: WorkerPool(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount),
        seconds: seconds
      ).measure())
  }
}
