import Analysis
import ArgumentParser
import Diffusion
import Foundation
import Records
import TensorCore

/// Times the denoiser.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Time a denoiser's forward pass and input gradient.",
    discussion: """
      Rates are images a second over all threads, the median of repeated batches.
      """)

  @Argument(help: ArgumentHelp("Shipped model or safetensors file.", valueName: "name|file"))
  var model = ShippedModels.standard
  @Option(help: "Images a batch.") var batch = 40
  @Option(help: "Threads (default: all cores).") var threads: Int?
  @Option(help: "Seconds for each figure.") var seconds = 4.0
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
    let denoiser = try Checkpoint(path: try ShippedModels.path(of: model)).makeDenoiser()
    let workers = WorkerPool(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    let forward = try rate(denoiser, workers, withGradient: false)
    let gradient = try rate(denoiser, workers, withGradient: true)
    let operations = Double(denoiser.network.architecture.floatingPointOperations)
    let table = ResultTable(
      columns: [
        "model", "threads", "batch", "forward", "gradient", "mflop", "gflops", "instruction_set",
        "blas",
      ],
      rows: [
        [
          .text(model), .integer(Int64(workers.count)), .integer(Int64(batch)),
          .real((forward * 10).rounded() / 10), .real((gradient * 10).rounded() / 10),
          .real((operations / 1e5).rounded() / 10),
          .real((forward * operations / 1e8).rounded() / 10),
          .text(compiledInstructionSet), .text("\(BLAS.version) \(BLAS.kernel)"),
        ]
      ])
    try format.write(table)
  }

  /// Images a second.
  private func rate(
    _ denoiser: EDMDenoiser, _ workers: WorkerPool, withGradient: Bool
  ) throws -> Double {
    let size = denoiser.shape.count
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    var values = [Float](repeating: 0, count: size)
    var span = values.mutableSpan
    random.gaussians(into: &span)
    let image = values
    let bench = BenchSessions(denoiser, count: workers.count)
    let classes = max(denoiser.classCount, 1)
    func once() throws {
      try workers.forEach(batch) { item, slot in
        let label = denoiser.classCount == 0 ? nil : item % classes
        bench.evaluate(
          slot, image, sigma: 0.1 + 2 * Float(item) / Float(batch), label: label,
          withGradient: withGradient)
      }
    }
    try once()
    let clock = ContinuousClock()
    let start = clock.now
    var times: [Duration] = []
    while clock.now - start < .seconds(seconds) || times.count < 3 {
      times.append(try clock.measure(once))
    }
    let median = times.sorted()[times.count / 2]
    return Double(batch)
      / (Double(median.components.seconds) + Double(median.components.attoseconds) * 1e-18)
  }
}

/// One session and its buffers for each worker; a slot is touched by its worker alone.
private final class BenchSessions: @unchecked Sendable {
  private var slots: [(session: any DenoiserSession, residual: [Float], gradient: [Float])]

  init(_ denoiser: EDMDenoiser, count: Int) {
    let zeros = [Float](repeating: 0, count: denoiser.shape.count)
    slots = (0..<count).map { _ in (denoiser.makeSession(), zeros, zeros) }
  }

  func evaluate(
    _ slot: Int, _ image: [Float], sigma: Float, label: Int?, withGradient: Bool
  ) {
    slots.withUnsafeMutableBufferPointer { slots in
      let session = slots[slot].session
      var residual = slots[slot].residual.mutableSpan
      session.residual(
        image: image.span, noise: image.span, sigma: sigma, label: label, into: &residual,
        keepsForBackward: withGradient)
      guard withGradient else { return }
      let cotangent = slots[slot].residual
      var gradient = slots[slot].gradient.mutableSpan
      session.pullback(of: cotangent.span, into: &gradient)
    }
  }
}
