import Basics
import Foundation
import Networks
import Records
import TensorCore
import Training

/// How fast a denoiser computes on this machine, beside what the BLAS reaches in the same run.
package struct DenoiserBenchmark {
  /// Shipped model or file.
  package var model: String
  /// Of its products.
  package var precision: Precision
  /// Images a batch.
  package var batch: Int
  /// Threads.
  package var workers: WorkerPool
  /// Seconds for each figure.
  package var seconds: Double
  /// Whether a training step is timed as well.
  package var trains: Bool

  /// The benchmark as given.
  package init(
    model: String, precision: Precision, batch: Int, workers: WorkerPool, seconds: Double,
    trains: Bool
  ) {
    self.precision = precision
    (self.model, self.batch, self.workers) = (model, batch, workers)
    (self.seconds, self.trains) = (seconds, trains)
  }

  /// One row of all figures.
  ///
  /// - Throws: `ElbowError` for a model that cannot be read.
  package func measure() throws -> ResultTable {
    let denoiser = try Checkpoint(path: try ShippedModels.path(of: model))
      .makeDenoiser(precision: precision)
    let forward = try rate(denoiser, workers, withGradient: false)
    let gradient = try rate(denoiser, workers, withGradient: true)
    let training = trains ? try trainingRate(denoiser) : nil
    let peak = try productRate(workers) / 1e9
    let registers = try Ceilings(workers).multiplyAdds(median) / 1e9
    let narrow = precision == .bf16 ? try Ceilings(workers).narrowProducts(median) / 1e9 : nil
    let bandwidth = try Ceilings(workers).bandwidth(median) / 1e9
    let flops = Double(denoiser.network.architecture.floatingPointOperations)
    let gflops = forward * flops / 1e9
    func rounded(_ value: Double, _ digits: Double) -> Cell {
      .real((value * digits).rounded() / digits)
    }
    return ResultTable(
      columns: [
        "model", "threads", "batch", "forward", "gradient", "train", "mflop", "gflops", "peak",
        "share", "fma_peak", "bf16_peak", "memory_gb_s", "instruction_set", "blas",
      ],
      rows: [
        [
          .text(model), .integer(Int64(workers.count)), .integer(Int64(batch)),
          rounded(forward, 10), rounded(gradient, 10), training.map { rounded($0, 10) } ?? .null,
          rounded(flops / 1e6, 10), rounded(gflops, 10), rounded(peak, 10),
          rounded(gflops / peak, 1000), rounded(registers, 10),
          narrow.map { rounded($0, 10) } ?? .null, rounded(bandwidth, 10),
          .text(InstructionSet.name(with: precision)),
          .text("\(BLAS.version) \(BLAS.kernel)"),
        ]
      ])
  }

  /// Images a second.
  func rate(
    _ denoiser: EDMDenoiser, _ workers: WorkerPool, withGradient: Bool
  ) throws -> Double {
    let size = denoiser.shape.count
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    var values = [Float](repeating: 0, count: size)
    var span = values.mutableSpan
    random.gaussians(into: &span)
    let queries = (0..<batch).map { item in
      DenoisingQuery(
        image: values, noise: values, sigma: 0.1 + 2 * Float(item) / Float(batch),
        label: denoiser.classCount == 0 ? nil : item % denoiser.classCount)
    }
    // As many equal parts for each thread as keep them near the size of a session's groups.
    let count = workers.count
    let parts = (batch + 8 * count - 1) / (8 * count) * count
    let work = (0..<parts).map { Array(queries[$0 * batch / parts..<($0 + 1) * batch / parts]) }
    let sessions = BenchSessions(denoiser, count: count)
    return Double(batch)
      / (try median {
        try workers.forEach(parts) { part, slot in
          let session = sessions[slot]
          if withGradient {
            session.differentiate(work[part], cotangent: { _, _ in }, { _, _ in })
          } else {
            session.evaluate(work[part]) { _, _ in }
          }
        }
      })
  }

  /// Images a second of a whole training step.
  func trainingRate(_ denoiser: EDMDenoiser) throws -> Double {
    let checkpoint = try Checkpoint(path: try ShippedModels.path(of: model))
    let parameters = try ParameterVector(checkpoint.architecture) { name, _ in
      try checkpoint.file.floats(name)
    }
    let trainer = try DiffusionTrainer(
      TrainingState(parameters), precision: precision, workers: workers)
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    let examples = (0..<batch).map { item in
      var noise = [Float](repeating: 0, count: denoiser.shape.count)
      var span = noise.mutableSpan
      random.gaussians(into: &span)
      return DiffusionTrainer.Example(
        image: noise, label: denoiser.classCount == 0 ? nil : item % denoiser.classCount,
        sigma: 0.1 + 2 * Float(item) / Float(batch), noises: [noise])
    }
    return Double(batch)
      / (try median { _ = try trainer.step(examples, rate: 1e-4, decay: 0.999) })
  }

  /// Floating-point operations a second of square matrix products, one on each thread at once.
  private func productRate(_ workers: WorkerPool) throws -> Double {
    let side = 512
    let matrices = (0..<workers.count).map { _ in
      [
        AlignedBuffer([Float](repeating: 1, count: side * side)),
        AlignedBuffer([Float](repeating: 1, count: side * side)),
        AlignedBuffer(count: side * side),
      ]
    }
    let products = 4 * workers.count
    let time = try median {
      try workers.forEach(products) { _, slot in
        let m = matrices[slot]
        BLAS.product(
          m: side, n: side, k: side, .matrix(m[0].base, stride: side),
          .matrix(m[1].base, stride: side), into: m[2].base, stride: side)
      }
    }
    return Double(products * 2 * side * side * side) / time
  }

  /// Seconds that `body` takes, the median of its repetitions after a first one.
  private func median(_ body: () throws -> Void) throws -> Double {
    try body()
    let clock = ContinuousClock()
    let start = clock.now
    var times: [Duration] = []
    while clock.now - start < .seconds(seconds) || times.count < 3 {
      times.append(try clock.measure(body))
    }
    let median = times.sorted()[times.count / 2].components
    return Double(median.seconds) + Double(median.attoseconds) * 1e-18
  }
}

/// One session for each worker; a slot is touched by its worker alone.
private final class BenchSessions: @unchecked Sendable {
  private let sessions: [EDMDenoiser.Session]

  init(_ denoiser: EDMDenoiser, count: Int) {
    sessions = (0..<count).map { _ in EDMDenoiser.Session(denoiser) }
  }

  subscript(slot: Int) -> EDMDenoiser.Session { sessions[slot] }
}
