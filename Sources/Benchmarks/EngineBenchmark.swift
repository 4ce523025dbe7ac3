import Basics
import Classifiers
import Engines
import Evaluation
import Foundation
import Networks
import Records
import TensorCore

/// How many rows a second an engine answers through its pipe, as runs ask for them.
package struct EngineBenchmark {
  /// Starts the engine.
  package var command: String
  /// Threads of this process; the engine is asked by as many as keep it busy.
  package var workers: WorkerPool
  /// Seconds for each figure.
  package var seconds: Double

  /// The benchmark as given.
  package init(command: String, workers: WorkerPool, seconds: Double) {
    (self.command, self.workers, self.seconds) = (command, workers, seconds)
  }

  /// One row of all figures.
  ///
  /// - Throws: `ElbowError` where the engine fails.
  package func measure() throws -> ResultTable {
    let engine = try LoadedFiles().engine(command, following: workers)
    let hello = engine.hello
    let ask = try hello.kind == .denoiser ? denoiser(engine) : classifier(engine)
    let forward = try rate(engine, ask, withGradient: false)
    let gradient = try rate(engine, ask, withGradient: true)
    return ResultTable(
      columns: [
        "engine", "kind", "shape", "classes", "batch", "environment", "forward", "gradient",
        "peak_mebibytes",
      ],
      rows: [
        [
          .text(hello.name), .text(hello.kind.rawValue),
          .text(hello.shape.map { "\($0)" }.joined(separator: "×")),
          .integer(Int64(hello.classes)), .integer(Int64(hello.batch)), .text(hello.environment),
          .real((forward * 10).rounded() / 10), .real((gradient * 10).rounded() / 10),
          .real((Double(ProcessUsage.current.peakMemory) / 1_048_576).rounded()),
        ]
      ])
  }

  /// Asks for one item's rows and says how many they were.
  private typealias Ask = @Sendable (_ item: Int, _ withGradient: Bool) throws -> Int

  /// An image at one level, for all classes, at most as many as a batch has.
  private func denoiser(_ engine: EngineClient) throws -> Ask {
    let denoiser = try EngineDenoiser(engine)
    let image = noise(denoiser.shape.count)
    let classes = min(denoiser.classCount, engine.hello.batch)
    let labels: [Int?] = classes == 0 ? [nil] : Array(0..<classes)
    return { item, withGradient in
      let size = image.count
      let sigma = 0.05 + 3 * Float(item % 64) / 64
      var values = [Float](repeating: 0, count: withGradient ? size : size * labels.count)
      var output = values.mutableSpan
      let session = denoiser.makeSession()
      if withGradient {
        try session.gradient(
          image: image.span, noise: image.span, sigma: sigma, labels: labels, into: &output,
          of: ResidualCotangent(.residual, factors: labels.map { _ in 2 }))
      } else {
        try session.residuals(
          image: image.span, noise: image.span, sigma: sigma, labels: labels, into: &output)
      }
      return labels.count
    }
  }

  private func classifier(_ engine: EngineClient) throws -> Ask {
    let classifier = try EngineClassifier(engine)
    let image = noise(classifier.shape.count).map { min(max(0.5 + 0.2 * $0, 0), 1) }
    let stream = NoiseStream(seed: 0, owner: .defence)
    return { item, withGradient in
      let key = ImageKey(dataset: "bench", split: "", index: item)
      if withGradient {
        _ = try classifier.gradient(of: image, key: key, stream: stream, asking: GradientDemand()) {
          $0.indices.map { $0 == 0 ? 1 : 0 }
        }
      } else {
        _ = try classifier.logits(of: image, key: key, stream: stream)
      }
      return 1
    }
  }

  private func noise(_ count: Int) -> [Float] {
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    var values = [Float](repeating: 0, count: count)
    var span = values.mutableSpan
    random.gaussians(into: &span)
    return values
  }

  /// Rows a second, of one stream of questions as long as asked; how many they are, shorter ones tell.
  private func rate(
    _ engine: EngineClient, _ ask: @escaping Ask, withGradient: Bool
  ) throws -> Double {
    let rows = try ask(0, withGradient)
    var items = max(1, 2 * engine.hello.batch / rows)
    while true {
      let start = ContinuousClock.now
      try engine.workers.forEach(items) { item, _ in _ = try ask(item, withGradient) }
      let time = (ContinuousClock.now - start).seconds
      if time >= 0.8 * seconds { return Double(items * rows) / time }
      items = Int((Double(items) * min(8, max(1.5, seconds / max(time, 1e-3)))).rounded(.up))
    }
  }
}
