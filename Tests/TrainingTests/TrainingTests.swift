import Diffusion
import Foundation
import TensorCore
import Testing
import Training

@Suite struct TrainingTests {
  private let start: ParameterVector

  init() throws {
    let checkpoint = try Checkpoint(path: ShippedModels.path(of: ShippedModels.standard))
    start = try ParameterVector(checkpoint.architecture) { name, _ in
      try checkpoint.file.floats(name)
    }
  }

  private func trainer(threads: Int) throws -> DiffusionTrainer {
    try DiffusionTrainer(start, workers: WorkerPool(threads: threads))
  }

  /// The batch of the saved training step, `times` over.
  private func batch(times: Int = 1) throws -> [DiffusionTrainer.Example] {
    let file = try savedStep()
    let (x, noise) = (try file.floats("x"), try file.floats("noise"))
    let (sigma, labels) = (try file.floats("sigma"), try file.floats("label"))
    let size = x.count / sigma.count
    return (0..<times * sigma.count).map { item in
      let row = item % sigma.count
      let range = row * size..<(row + 1) * size
      return DiffusionTrainer.Example(
        image: Array(x[range]), label: labels[row] < 0 ? nil : Int(labels[row]),
        sigma: sigma[row] * (1 + 0.01 * Float(item / sigma.count)), noise: Array(noise[range]))
    }
  }

  private func savedStep() throws -> SafetensorsFile {
    try SafetensorsFile(
      path: Bundle.module.bundlePath + "/Fixtures/training-step-small.safetensors")
  }

  /// Loss and every parameter's gradient against an independent implementation in Float64; 1e-4 a
  /// tensor is what its fixtures ask for.
  @Test func gradientsMatchSavedValues() throws {
    let file = try savedStep()
    let (loss, gradient) = try trainer(threads: 2).gradient(try batch())
    let saved = Double(try file.floats("loss")[0])
    #expect(abs(loss - saved) / saved < 1e-5)
    var vector = start
    vector.values = gradient
    let named = vector.named
    let expected = file.entries.keys.filter { $0.hasPrefix("gradient.") }
    #expect(Set(expected) == Set(named.keys.map { "gradient." + $0 }))
    for name in expected {
      let values = try #require(named[String(name.dropFirst("gradient.".count))])
      #expect(relativeError(values, try file.floats(name)) < 1e-4, "\(name)")
    }
  }

  /// To the last bit, over more images than one part of a batch has.
  @Test func stepsDoNotDependOnThreads() throws {
    let batch = try batch(times: 5)
    let (one, three) = (try trainer(threads: 1), try trainer(threads: 3))
    for _ in 0..<2 {
      let losses = [one, three].map { try? $0.step(batch, rate: 1e-3, decay: 0.9) }
      #expect(losses[0] != nil && losses[0] == losses[1])
    }
    #expect(one.parameters.values == three.parameters.values)
    #expect(one.average.values == three.average.values)
    #expect(one.parameters.values != start.values)
  }

  /// A few steps on one batch learn it, and the average follows at its own pace.
  @Test func stepsLowerTheLoss() throws {
    let batch = try batch()
    let trainer = try trainer(threads: 2)
    let before = trainer.parameters.values
    let first = try trainer.step(batch, rate: 1e-3, decay: 0.75)
    let after = trainer.parameters.values
    for i in stride(from: 0, to: before.count, by: 9973) {
      #expect(abs(trainer.average.values[i] - (0.75 * before[i] + 0.25 * after[i])) < 1e-6)
    }
    for _ in 0..<5 { _ = try trainer.step(batch, rate: 1e-3, decay: 0.75) }
    #expect(try trainer.gradient(batch).loss < 0.9 * first)
  }

  /// Four steps against what PyTorch's `AdamW` (2.15, lr 0.05) makes of the same gradients.
  @Test(
    arguments: [
      (0.0, [0.888_349_65, -1.895_624_16, 0.377_789_97, -0.172_664_52, 2.894_300_22]),
      (0.1, [0.869_542_90, -1.856_943_25, 0.368_443_01, -0.171_336_40, 2.835_773_23]),
    ] as [(Double, [Double])])
  func adamMatchesSavedValues(weightDecay: Double, expected: [Double]) {
    var parameters: [Float] = [1, -2, 0.5, 0, 3]
    var adam = Adam(count: parameters.count)
    adam.weightDecay = weightDecay
    for step in 0..<4 {
      let gradient: [Float] = [0.3, -1.5, 0, 1e-4, 20].map {
        $0 * (step % 2 == 0 ? 1 : -0.5) + 0.01 * Float(step)
      }
      adam.step(&parameters, gradient: gradient, rate: 0.05)
    }
    #expect(adam.steps == 4)
    for (found, saved) in zip(parameters, expected) { #expect(abs(Double(found) - saved) < 1e-6) }
  }
}
