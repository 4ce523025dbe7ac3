import Basics
import Datasets
import Foundation
import Networks
import Records
import TensorCore
import Testing
import Training

@Suite struct MultiHeadTrainingTests {
  private let checkpoint: Checkpoint
  private let teacher: EDMDenoiser
  private let student: ParameterVector

  init() throws {
    checkpoint = try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small"))
    teacher = try checkpoint.makeDenoiser()
    var start = try Self.start(checkpoint)
    // Heads that differ from each other.
    for i in start.values.indices.suffix(10 * 16 * 9 + 10) {
      start.values[i] *= 1 + 0.1 * Float(i % 7 - 3)
    }
    student = start
  }

  /// The student of a teacher; by default of its sizes.
  private static func start(
    _ checkpoint: Checkpoint, multipliers: [Int] = [1, 2, 4], width: Int = 16
  ) throws -> ParameterVector {
    try .multiHead(
      UNetArchitecture(
        resolution: 28, channels: 1, classes: 10, width: width, multipliers: multipliers, blocks: 1,
        attentionResolutions: [7], heads: 10), from: checkpoint, seed: 5)
  }

  private func trainer(
    _ parameters: ParameterVector? = nil, weights: MultiHeadRecipe.Weights = .edm,
    evidence: Double = 0, threads: Int = 2
  ) throws -> MultiHeadTrainer {
    try MultiHeadTrainer(
      TrainingState(parameters ?? student), teacher: teacher, weights: weights,
      evidence: evidence, workers: WorkerPool(threads: threads))
  }

  private func batch(_ count: Int, asked: [Int]? = nil) -> [MultiHeadTrainer.Example] {
    (0..<count).map { item in
      let label = (3 * item + 1) % 10
      let others = [(label + 4) % 10, (label + 7) % 10]
      return MultiHeadTrainer.Example(
        image: (0..<784).map { Float(($0 * (item + 3)) % 17) / 8.5 - 1 }, label: label,
        sigma: 0.15 * Float(item + 1), noise: (0..<784).map { Float(($0 * 7) % 23) / 11.5 - 1 },
        asked: asked ?? ([label] + others).sorted())
    }
  }

  /// The formula with every class's residual taken alone.
  @Test(arguments: MultiHeadRecipe.Weights.allCases)
  func lossIsTheDistanceFromTheTeacher(weights: MultiHeadRecipe.Weights) throws {
    let batch = batch(3)
    let denoiser = try student.makeDenoiser()
    func residual(
      _ denoiser: EDMDenoiser, _ e: MultiHeadTrainer.Example, _ k: Int
    ) throws -> [Float] {
      var values = e.image
      var output = values.mutableSpan
      try denoiser.makeSession().residuals(
        image: e.image.span, noise: e.noise.span, sigma: e.sigma, labels: [k], into: &output)
      return values
    }
    var expected = 0.0
    for e in batch {
      let s = Double(e.sigma)
      for k in e.asked {
        let pairs = try zip(residual(denoiser, e, k), residual(teacher, e, k))
        let distance = pairs.reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        // λ = (σ² + ¼)/(σ/2)²; nine other classes stand for two.
        let lambda = weights == .edm ? (s * s + 0.25) / (s * s * 0.25) : 1 / (s * s)
        let weight = (k == e.label ? 1 : 9.0 / 2) * lambda
        expected += weight * distance / (3 * 784 * 10)
      }
    }
    #expect(
      abs(try trainer(weights: weights).gradient(batch).loss - expected) < 1e-6 * expected)
  }

  /// The formula, from residuals taken alone; a teacher that is its own student has none.
  @Test func evidenceIsTheDivergenceOfThePosteriors() throws {
    let batch = batch(3)
    let denoiser = try student.makeDenoiser()
    func posterior(_ denoiser: EDMDenoiser, _ e: MultiHeadTrainer.Example) throws -> [Double] {
      let logits = try e.asked.map { k in
        var values = e.image
        var output = values.mutableSpan
        try denoiser.makeSession().residuals(
          image: e.image.span, noise: e.noise.span, sigma: e.sigma, labels: [k], into: &output)
        return values.reduce(0.0) { $0 - Double($1) * Double($1) / Double(e.sigma * e.sigma) }
      }
      let top = logits.max() ?? 0
      let shares = logits.map { exp($0 - top) }
      return shares.map { $0 / shares.reduce(0, +) }
    }
    let expected = try batch.reduce(0.0) { sum, e in
      try sum
        + zip(posterior(teacher, e), posterior(denoiser, e)).reduce(0) {
          $0 + ($1.0 > 0 ? $1.0 * log($1.0 / $1.1) : 0)
        } / 3
    }
    let plain = try trainer(weights: .snr).gradient(batch).loss
    let whole = try trainer(weights: .snr, evidence: 0.5).gradient(batch).loss
    #expect(expected > 0.01)
    #expect(abs(whole - plain - 0.5 * expected) < 1e-3 * expected)
  }

  /// Validation and training measure the same thing: equal up to the order of sums.
  @Test(arguments: [0.0, 0.1]) func validationIsTheLoss(evidence: Double) throws {
    let (trainer, batch) = (
      try trainer(evidence: evidence), batch(6, asked: Array(0..<10))
    )
    let validated = try #require(try trainer.validate(batch).first)
    let loss = try trainer.gradient(batch).loss
    #expect(validated.name == "validation_loss" && abs(validated.value - loss) < 1e-9 * loss)
  }

  /// Whichever other class is left out, the mean is the loss over all.
  @Test func askingFewerClassesKeepsTheMean() throws {
    let trainer = try trainer()
    let whole = try trainer.gradient(batch(1, asked: Array(0..<10))).loss
    // The example's class is 1.
    let parts = try (0..<10).filter { $0 != 1 }.map { left in
      try trainer.gradient(batch(1, asked: (0..<10).filter { $0 != left })).loss
    }
    #expect(abs(parts.reduce(0, +) / 9 - whole) < 1e-6 * whole)
    #expect(Set(parts).count == 9)
  }

  /// (L(θ + hd) − L(θ − hd))/2h against ⟨∇L, d⟩ along the gradient with a part of every parameter;
  /// Float32's noise in the loss over the step bounds it.
  @Test(arguments: [0.0, 0.1]) func gradientsMatchFiniteDifferences(evidence: Double) throws {
    let batch = batch(4)
    let gradient = try trainer(evidence: evidence).gradient(batch).gradient.map(Double.init)
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let scale = 0.2 / Double(gradient.count).squareRoot()
    let direction = gradient.enumerated().map {
      $1 / norm + scale * Double(($0 * 31) % 17 - 8) / 8
    }
    func loss(_ h: Double) throws -> Double {
      var moved = student
      for i in moved.values.indices { moved.values[i] += Float(h * direction[i]) }
      return try trainer(moved, evidence: evidence).gradient(batch).loss
    }
    let difference = (try loss(1e-4) - loss(-1e-4)) / 2e-4
    let exact = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(difference - exact) < 2e-3 * abs(exact))
  }

  /// To the last bit, over more images than one part of a batch has.
  @Test func stepsDoNotDependOnThreads() throws {
    let batch = batch(20)
    let (one, three) = (try trainer(threads: 1), try trainer(threads: 3))
    let losses = try [one, three].map { try $0.step(batch, rate: 1e-3, decay: 0.9).loss }
    #expect(losses[0] == losses[1])
    #expect(one.parameters.values == three.parameters.values)
    #expect(one.average.values == three.average.values)
    let measured = try [one, three].map { try $0.validate(batch).map(\.value) }
    #expect(measured[0] == measured[1])
  }

  /// At first every head is the teacher's unconditional mode, in a network of its sizes and in a
  /// wider one: Float32's rounding apart.
  @Test(arguments: [[1, 2, 4], [2, 3, 4]])
  func studentsBeginAsTheirTeacher(multipliers: [Int]) throws {
    let denoiser = try Self.start(checkpoint, multipliers: multipliers).makeDenoiser()
    let size = 784
    for example in batch(3) {
      var heads = [Float](repeating: 0, count: 10 * size)
      var output = heads.mutableSpan
      try denoiser.makeSession().residuals(
        image: example.image.span, noise: example.noise.span, sigma: example.sigma,
        labels: Array(0..<10), into: &output)
      var expected = example.image
      var unconditional = expected.mutableSpan
      try teacher.makeSession().residuals(
        image: example.image.span, noise: example.noise.span, sigma: example.sigma, labels: [nil],
        into: &unconditional)
      for k in [0, 4, 9] {
        #expect(relativeError(heads[k * size..<(k + 1) * size], expected) < 1e-4)
      }
    }
  }

  @Test func studentsThatCannotHoldTheirTeacherAreRefused() throws {
    for (multipliers, width) in [
      ([1, 1, 4], 16), ([2, 2, 4], 16), ([1, 2, 4], 24), ([1, 2, 5], 16),
    ] {
      #expect(throws: ElbowError.self) {
        try Self.start(checkpoint, multipliers: multipliers, width: width)
      }
    }
  }

  /// The true class and N − 1 others, drawn evenly: each within four standard errors.
  @Test func examplesAskForTheTrueClass() throws {
    let dataset = try DatasetCatalog.load("fashion-mnist", split: "train")
    var recipe = MultiHeadRecipe()
    (recipe.batch, recipe.teacherClasses) = (2000, 4)
    var examples = recipe.makeExamples(dataset)
    let batch = examples.batch(at: 3)
    #expect(batch.allSatisfy { $0.asked.contains($0.label) && Set($0.asked).count == 4 })
    for k in 0..<10 {
      let others = batch.filter { $0.label != k }
      let share = Double(others.count { $0.asked.contains(k) }) / Double(others.count)
      #expect(abs(share - 1.0 / 3) < 4 * (2.0 / 9 / Double(others.count)).squareRoot())
    }
    #expect(examples.validation.allSatisfy { $0.asked == Array(0..<10) })
    recipe.teacherClasses = nil
    #expect(recipe.makeExamples(dataset).validation.count == 1000)
    var all = recipe.makeExamples(dataset)
    #expect(all.batch(at: 0)[0].asked == Array(0..<10))
  }
}
