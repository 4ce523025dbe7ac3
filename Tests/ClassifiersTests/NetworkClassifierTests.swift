import Classifiers
import Foundation
import Networks
import Synchronization
import TensorCore
import Testing

@Suite struct NetworkClassifierTests {
  private let key = ImageKey(dataset: "d", split: "test", index: 3)
  private let stream = NoiseStream(seed: 1, owner: .defence)
  private let image = (0..<64).map { Float($0 % 11) / 10 }
  private let cotangent: @Sendable ([Double]) -> [Double] = { _ in [1, -0.5, 0, 0.25] }

  private func network() throws -> ResNet {
    let architecture = ResNetArchitecture(
      resolution: 8, channels: 1, classes: 4, width: 8, multipliers: [2], blocks: 1)
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    var values: [String: [Float]] = [:]
    for (name, shape) in architecture.parameterShapes {
      values[name] = (0..<shape.reduce(1, *)).map { _ in Float(random.uniform() - 0.4) }
    }
    return try ResNet(architecture) { name, _ in values[name] ?? [] }
  }

  private func classifier(threads: Int = 2) throws -> NetworkClassifier {
    NetworkClassifier(try network(), workers: WorkerPool(threads: threads))
  }

  /// Along the gradient by central differences, in pixel units; Float32 leaves 1e-3.
  @Test func gradientsMatchDifferences() throws {
    let classifier = try classifier()
    let result = try classifier.gradient(
      of: image, key: key, stream: stream, cotangent: cotangent)
    let length = result.gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let h = 2e-3
    let ends = try [h, -h].map { h in
      let moved = zip(image, result.gradient).map { $0 + Float(h / length) * $1 }
      let z = try classifier.logits(of: moved, key: key, stream: stream).logits
      return zip(cotangent(z), z).reduce(0) { $0 + $1.0 * $1.1 }
    }
    #expect(abs((ends[0] - ends[1]) / (2 * h) - length) < 5e-3 * length)
    #expect(result.cost == Cost(evaluations: 1, gradients: 1))
  }

  /// The evidence is the logits; nothing depends on the stream; no slope costs no way back.
  @Test func answersAreTheLogits() throws {
    let classifier = try classifier()
    let answer = try classifier.classify(image, key: key, stream: stream)
    let z = try classifier.logits(
      of: image, key: key, stream: NoiseStream(seed: 9, owner: .attack(step: 1, eot: 2))
    ).logits
    #expect(answer.evidence.map(\.elbo) == z && answer.evidence.map(\.label) == [0, 1, 2, 3])
    #expect(answer.predicted == z.indices.max { z[$0] < z[$1] })
    #expect(answer.cost == Cost(evaluations: 1) && answer.losses == nil)
    let flat = try classifier.gradient(of: image, key: key, stream: stream) { _ in
      [0, 0, 0, 0]
    }
    #expect(flat.gradient.allSatisfy { $0 == 0 } && flat.cost == Cost(evaluations: 1))
    #expect(flat.logits == z)
  }

  /// Many images at once from three threads: each as from one.
  @Test func resultsDoNotDependOnThreads() throws {
    let images = (0..<12).map { item in image.map { min($0 + Float(item) / 50, 1) } }
    let results = try [1, 3].map { threads in
      let workers = WorkerPool(threads: threads)
      let classifier = NetworkClassifier(try network(), workers: workers)
      let all = Mutex([[Float]](repeating: [], count: images.count))
      try workers.forEach(images.count) { item, _ in
        let result = try classifier.gradient(
          of: images[item], key: key, stream: stream, cotangent: cotangent)
        all.withLock { $0[item] = result.gradient + result.logits.map { Float($0) } }
      }
      return all.withLock { $0 }
    }
    #expect(results[0] == results[1] && Set(results[0]).count == images.count)
  }
}
