import ArgumentParser
import Basics
import Benchmarks
import Foundation
import Networks
import TensorCore

extension Precision: ExpressibleByArgument {}

/// Times the denoiser.
struct BenchDenoiserCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "denoiser",
    abstract: "Time a denoiser's forward pass, input gradient and training step.",
    discussion: """
      Rates are images a second over all threads, the median of repeated batches. gflops counts \
      the forward pass's convolutions by their definition, peak is what the BLAS reaches on \
      products of 512×512 matrices in the same run, one on each thread, and share is gflops/peak: \
      above 100 % where fewer multiplications do the same work. A pass of a multi-head network \
      computes all classes at once; its gradient is that of one of them.

      EXAMPLE:
        elbow bench denoiser fashion-mnist --seconds 2
      """)

  @Argument(help: ArgumentHelp("Shipped model or safetensors file.", valueName: "name|file"))
  var model = ShippedModels.standard
  @Option(help: "Of its products: fp32 or bf16.") var precision = Precision.fp32
  @Option(help: "Images a batch.") var batch = 40
  @Option(help: "Threads (default: all cores).") var threads: Int?
  @Option(help: "Seconds for each figure.") var seconds = 4.0
  @Flag(help: "Time a training step as well: all gradients, Adam and the moving average.")
  var train = false
  @OptionGroup var format: FormatOption

  func validate() throws {
    guard (1...100_000).contains(batch) else {
      throw ValidationError("--batch must be 1 to 100000")
    }
    guard (1...1024).contains(threads ?? 1) else {
      throw ValidationError("--threads must be 1 to 1024")
    }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0 and at most 3600")
    }
  }

  func run() throws {
    try format.write(
      try DenoiserBenchmark(
        model: model, precision: precision, batch: batch,
        workers: WorkerPool(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount),
        seconds: seconds, trains: train
      ).measure())
  }
}
