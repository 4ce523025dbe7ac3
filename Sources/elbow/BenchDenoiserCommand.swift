import ArgumentParser
import Basics
import Benchmarks
import Foundation
import Networks
import TensorCore

/// Times the denoiser.
struct BenchDenoiserCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "denoiser",
    abstract: "Time a denoiser's forward pass, input gradient and training step.",
    discussion: """
      Rates are images a second over all threads, the median of repeated batches. gflops counts \
      the forward pass's convolutions by their definition, peak is what the BLAS reaches on \
      products of 512×512 matrices in the same run, one on each thread, and share is gflops/peak: \
      above 100 % where fewer multiplications do the same work. fma_peak is what multiply-adds in \
      registers reach, bf16_peak, where --precision asks for it, what products in bfloat16 reach from the \
      first cache, memory_gb_s what a = b + s·c moves over arrays that no cache holds. A pass of a \
      multi-head network computes all classes at once; its gradient is that of one of them.

      --against takes a Python interpreter that has PyTorch, which computes the same network in turns \
      with this program: Float32 in both layouts in memory (NCHW, channels last) and by torch.compile, \
      bfloat16 by autocast; ONNX Runtime and OpenVINO, which evaluate only, where they and onnxscript \
      are installed. ratio is this program's rate over the fastest in Float32, ratio_bf16 over bfloat16.

      EXAMPLE:
        elbow bench denoiser fashion-mnist --seconds 2
        elbow bench denoiser --train --against python3
      """)

  @Argument(help: ArgumentHelp("Shipped model or safetensors file.", valueName: "name|file"))
  var model = ShippedModels.standard
  @Option(help: "Of its products: fp32 or bf16.") var precision = Precision.fp32
  @Option(help: "Images a batch.") var batch = 40
  @Option(help: "Threads (default: all cores).") var threads: Int?
  @Option(help: "Seconds for each figure.") var seconds = 4.0
  @Flag(help: "Time a training step as well: all gradients, Adam and the moving average.")
  var train = false
  @Option(
    help: ArgumentHelp("Compare with PyTorch and others, of this interpreter.", valueName: "python")
  )
  var against: String?
  @Option(help: "Rounds of a comparison, of which the medians are given.") var rounds = 3
  @OptionGroup var format: FormatOption

  func validate() throws {
    guard (1...100_000).contains(batch) else {
      throw ValidationError("--batch must be 1 to 100000")
    }
    guard (1...1024).contains(threads ?? 1) else {
      throw ValidationError("--threads must be 1 to 1024")
    }
    guard (1...1000).contains(rounds) else {
      throw ValidationError("--rounds must be 1 to 1000")
    }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0 and at most 3600")
    }
  }

  func run() throws {
    let benchmark = DenoiserBenchmark(
      model: model, precision: precision, batch: batch,
      workers: WorkerPool(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount),
      seconds: seconds, trains: train)
    try format.writeBenchmark(
      try against.map { try benchmark.measure(against: $0, rounds: rounds) } ?? benchmark.measure())
  }
}
