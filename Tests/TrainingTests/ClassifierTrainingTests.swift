import Basics
import Classifiers
import Datasets
import Foundation
import Networks
import Records
import TensorCore
import Testing
import Training

@Suite struct ClassifierTrainingTests {
  private static let architecture = ResNetArchitecture(
    resolution: 8, channels: 1, classes: 4, width: 8, multipliers: [2], blocks: 1)
  private let start = ParameterVector.random(Self.architecture, seed: 3)

  private func trainer(
    _ method: ClassifierRecipe.Method, threads: Int = 2,
    _ change: (inout ClassifierRecipe) -> Void = { _ in }
  ) throws -> ClassifierTrainer {
    var recipe = ClassifierRecipe()
    recipe.method = method
    change(&recipe)
    return try ClassifierTrainer(
      recipe, TrainingState(start), workers: WorkerPool(threads: threads))
  }

  /// Noise with a bright quadrant that the label names.
  private func batch(_ count: Int) -> [ClassifierTrainer.Example] {
    (0..<count).map { item in
      var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, UInt32(item), 0))
      let label = item % 4
      let image = (0..<64).map { i in
        let isBright = i / 32 == label / 2 && i % 8 / 4 == label % 2
        return Float(random.uniform()) * 0.4 + (isBright ? 0.5 : 0.1)
      }
      return ClassifierTrainer.Example(image: image, label: label, random: random)
    }
  }

  /// Images of a recipe with noise are those without it and N(0, τ²), other numbers each step; the rest
  /// stays as it is.
  @Test func noiseComesOverTheImages() throws {
    let dataset = try DatasetCatalog.load("fashion-mnist", split: "train")
    var recipe = ClassifierRecipe()
    recipe.batch = 64
    var plain = recipe.makeExamples(dataset)
    recipe.noise = 0.25
    var noisy = recipe.makeExamples(dataset)
    #expect(recipe.problem(images: dataset.count) == nil)
    func noise(_ step: Int) -> [Double] {
      zip(plain.batch(at: step), noisy.batch(at: step)).flatMap { a, b in
        #expect(a.label == b.label)
        return zip(a.image, b.image).map { Double($1 - $0) }
      }
    }
    let (first, second) = (noise(0), noise(1))
    let n = Double(first.count)
    let variance = first.reduce(0) { $0 + $1 * $1 } / n
    #expect(abs(variance / 0.0625 - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(first.reduce(0, +) / n) < 5 * 0.25 / n.squareRoot())
    let together = zip(first, second).reduce(0) { $0 + $1.0 * $1.1 } / n
    #expect(abs(together) < 5 * 0.0625 / n.squareRoot())
    #expect(noisy.validation.count == 1000)
    recipe.noise = -1
    #expect(recipe.problem(images: dataset.count)?.contains("noise") == true)
  }

  /// With a denoiser a step and a validation see what `DiffusionPurifier` makes of the noised images, to
  /// the last bit, and a state's identity knows the denoiser.
  @Test func imagesAreDenoisedBeforeTheyAreLearnt() throws {
    let dataset = try DatasetCatalog.load("fashion-mnist", split: "train")
    var recipe = ClassifierRecipe()
    (recipe.width, recipe.batch, recipe.noise) = (8, 20, 0.25)
    var examples = ClassifierExamples(recipe, dataset: dataset)
    let state = TrainingState(
      ParameterVector.random(recipe.architecture(for: dataset), seed: 3))
    let workers = WorkerPool(threads: 2)
    let plain = try recipe.makeTrainer(state, workers: workers)
    #expect(Array(recipe.checkpoints.keys) == ["init"])
    recipe.denoiser = "fashion-mnist-small"
    #expect(recipe.problem(images: dataset.count) == nil)
    #expect(recipe.checkpoints["denoiser"] == "fashion-mnist-small")
    let behind = try recipe.makeTrainer(state, workers: workers)

    let model = try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small")).makeDenoiser()
    let purifier = try DiffusionPurifier(
      DenoiserPool(model, workers: workers), Purification(.denoise, sigma: 0.5, steps: 1))
    func denoised(_ examples: [ClassifierTrainer.Example]) throws -> [ClassifierTrainer.Example] {
      try examples.map { example in
        var example = example
        example.image = try purifier.purify(
          example.image, key: ImageKey(dataset: "", split: "", index: 0),
          stream: NoiseStream(seed: 0, owner: .defence)
        ).image
        return example
      }
    }
    let batch = examples.batch(at: 0)
    let (seen, expected) = try (behind.gradient(batch), plain.gradient(denoised(batch)))
    #expect(seen.loss == expected.loss && seen.gradient == expected.gradient)
    let loss = try plain.gradient(batch).loss
    #expect(abs(seen.loss - loss) > 1e-3)
    let few = Array(examples.validation.prefix(8))
    let (left, right) = try (behind.validate(few), plain.validate(denoised(few)))
    #expect(left.map(\.value) == right.map(\.value))

    recipe.noise = nil
    #expect(recipe.problem(images: dataset.count)?.contains("'denoiser' needs 'noise'") == true)
    (recipe.noise, recipe.method) = (0.25, .pgd)
    #expect(recipe.problem(images: dataset.count)?.contains("'denoiser'") == true)
    recipe.denoiser = "fashion-mnist-multi-head"
    recipe.method = .standard
    #expect(throws: ElbowError.self) { _ = try recipe.makeTrainer(state, workers: workers) }
  }

  /// Logits, the gradient of the pixels, and losses with every parameter's gradient, standard and of
  /// FGSM's images, against an independent implementation in Float64.
  @Test func resultsMatchSavedValues() throws {
    let file = try SafetensorsFile(
      path: Bundle.module.bundlePath + "/Fixtures/classifier-step-small.safetensors")
    let architecture = ResNetArchitecture(
      resolution: 8, channels: 2, classes: 5, width: 8, multipliers: [1, 2], blocks: 2)
    let saved = try ParameterVector(architecture) { name, shape in
      #expect(try file.entry(name).shape == shape, "\(name)")
      return try file.floats(name)
    }
    let (x, labels) = (try file.floats("x"), try file.floats("labels").map { Int($0) })
    let batch = labels.indices.map { item in
      ClassifierTrainer.Example(
        image: Array(x[item * 128..<(item + 1) * 128]), label: labels[item],
        random: RandomStream(key: SIMD2(0, 0), counter: SIMD3(0, 0, 0)))
    }
    let session = ResNet.Session(try saved.makeResNet())
    var (logits, gradients) = ([Float](), [Float]())
    for example in batch {
      var z = [Float](repeating: 0, count: 5)
      var output = z.mutableSpan
      session.logits(of: example.image.span, into: &output, keepsForBackward: true)
      let total = z.reduce(0) { $0 + exp($1) }
      let slope = z.indices.map { exp(z[$0]) / total - ($0 == example.label ? 1 : 0) }
      var gradient = [Float](repeating: 0, count: 128)
      var pulled = gradient.mutableSpan
      session.pullback(of: slope.span, into: &pulled)
      logits += z
      gradients += gradient
    }
    #expect(relativeError(logits, try file.floats("logits")) < 1e-5)
    #expect(relativeError(gradients, try file.floats("input_gradient")) < 1e-4)
    for method in [ClassifierRecipe.Method.standard, .fgsm] {
      var recipe = ClassifierRecipe()
      recipe.method = method
      if method == .fgsm { recipe.epsilon = 0.1 }
      let trainer = try ClassifierTrainer(
        recipe, TrainingState(saved), workers: WorkerPool(threads: 2))
      let (loss, gradient) = try trainer.gradient(batch)
      let expected = Double(try file.floats("\(method.rawValue).loss")[0])
      #expect(abs(loss - expected) < 1e-5 * expected)
      var vector = saved
      vector.values = gradient
      for (name, values) in vector.named {
        let error = relativeError(values, try file.floats("\(method.rawValue).\(name)"))
        #expect(error < 1e-4, "\(method) \(name)")
      }
    }
  }

  /// Cross-entropy by the definition.
  @Test func standardLossesAreCrossEntropies() throws {
    let batch = batch(20)
    let session = ResNet.Session(try start.makeResNet())
    let expected = batch.reduce(0.0) { sum, example in
      var z = [Float](repeating: 0, count: 4)
      var output = z.mutableSpan
      session.logits(of: example.image.span, into: &output, keepsForBackward: false)
      return sum + log(z.reduce(0) { $0 + exp(Double($1)) }) - Double(z[example.label])
    }
    let loss = try trainer(.standard).gradient(batch).loss
    #expect(abs(loss - expected / 20) < 1e-6)
  }

  /// To the last bit, whatever the attack, over more images than one part of a batch has.
  @Test(arguments: ClassifierRecipe.Method.allCases)
  func stepsDoNotDependOnThreads(method: ClassifierRecipe.Method) throws {
    let batch = batch(40)
    let (one, three) = (try trainer(method, threads: 1), try trainer(method, threads: 3))
    for _ in 0..<2 {
      let losses = [one, three].map { try? $0.step(batch, rate: 1e-2, decay: 0.9).loss }
      #expect(losses[0] != nil && losses[0] == losses[1])
    }
    #expect(one.parameters.values == three.parameters.values)
    #expect(one.average.values == three.average.values)
    #expect(one.parameters.values != start.values)
    let found = try [one, three].map { try $0.validate(batch).map(\.value) }
    #expect(found[0] == found[1])
  }

  /// The gradient against differences of the loss along itself. An attack's image moves with the
  /// parameters, but at its maximum that changes the loss in second order only; FGSM's one step does
  /// not end at one.
  @Test(
    arguments: [
      (.standard, nil), (.pgd, .linf), (.pgd, .l2), (.trades, .linf), (.trades, .l2),
    ] as [(ClassifierRecipe.Method, AttackConfiguration.Norm?)])
  func gradientsMatchDifferences(
    method: ClassifierRecipe.Method, norm: AttackConfiguration.Norm?
  ) throws {
    let batch = batch(8)
    let trainer = try trainer(method) { recipe in
      guard let norm else { return }
      (recipe.norm, recipe.epsilon) = (norm, norm == .linf ? 0.02 : 0.1)
      recipe.attackSteps = 20
    }
    for _ in 0..<10 { try trainer.step(batch, rate: 1e-2, decay: 0.9) }
    let parameters = trainer.parameters
    let gradient = try trainer.gradient(batch).gradient
    let length = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let h = 2e-3
    let losses = try [h, -h].map { h in
      var moved = parameters
      for i in moved.values.indices { moved.values[i] += Float(h / length) * gradient[i] }
      trainer.state = TrainingState(moved)
      return try trainer.gradient(batch).loss
    }
    let found = (losses[0] - losses[1]) / (2 * h)
    #expect(abs(found - length) < 0.02 * length, "\(found) against \(length)")
  }

  /// What an attack does to the loss: nothing at ε = 0, more the stronger it is; PGD beats one step.
  @Test func strongerAttacksRaiseTheLoss() throws {
    let batch = batch(16)
    let trained = try trainer(.standard)
    for _ in 0..<40 { try trained.step(batch, rate: 1e-2, decay: 0.9) }
    func loss(_ method: ClassifierRecipe.Method, _ epsilon: Double, steps: Int?) throws -> Double {
      let trainer = try trainer(method) { recipe in
        (recipe.epsilon, recipe.attackSteps) = (epsilon, steps)
      }
      trainer.state = trained.state
      return try trainer.gradient(batch).loss
    }
    let clean = try trained.gradient(batch).loss
    #expect(abs(try loss(.pgd, 1e-9, steps: 1) - clean) < 1e-4 * (1 + clean))
    let weak = try loss(.pgd, 0.05, steps: 10)
    let strong = try loss(.pgd, 0.1, steps: 10)
    let single = try loss(.fgsm, 0.1, steps: nil)
    #expect(clean < weak && weak < strong && clean < single && single < strong)
    // β·KL comes on top of the clean loss.
    let trades = try loss(.trades, 0.1, steps: 10)
    #expect(trades > clean)
  }

  /// Attacked accuracy is measured where the method attacks, and never above the clean one.
  @Test func validationAttacksWhereTrainingDoes() throws {
    let batch = batch(40)
    let clean = try trainer(.standard).validate(batch)
    #expect(clean.map(\.name) == ["validation_loss", "validation_accuracy"])
    let trained = try trainer(.standard)
    for _ in 0..<60 { try trained.step(batch, rate: 1e-2, decay: 0.5) }
    let attacking = try trainer(.fgsm) { $0.epsilon = 0.5 }
    attacking.state = trained.state
    let found = try attacking.validate(batch)
    #expect(found.map(\.name)[2] == "validation_robust_accuracy")
    #expect(found[1].value == 1 && found[2].value < 0.6)
  }

  @Test(arguments: [
    ("epsilon: 8/255", "needs a method that attacks"),
    ("method: fgsm\nattack_steps: 3", "one step"), ("method: pgd\nbeta: 1", "trades"),
    ("method: pgd\nepsilon: 0", "'epsilon' must be in"),
  ])
  func impossibleRecipesSayWhy(recipe: String, message: String) throws {
    let pairs = recipe.split(separator: "\n").map { $0.split(separator: ": ") }
    let object = Dictionary(
      uniqueKeysWithValues: pairs.map { pair in
        (String(pair[0]), Double(pair[1]).map(JSONValue.number) ?? .string(String(pair[1])))
      })
    let text = JSONValue.object(object).canonical
    let read = try JSONDecoder().decode(ClassifierRecipe.self, from: Data(text.utf8))
    #expect(read.problem(images: 60_000)?.contains(message) == true)
    #expect(ClassifierRecipe().problem(images: 60_000) == nil)
    for images in 0...1 {
      #expect(ClassifierRecipe().problem(images: images)?.contains("expected at least 2") == true)
    }
  }

  /// Fractions are read as numbers; a recipe written and read is itself.
  @Test func recipesAreReadAsWritten() throws {
    let text = #"{"method":"trades","norm":"l2","epsilon":"1/2","batch":64}"#
    let recipe = try JSONDecoder().decode(ClassifierRecipe.self, from: Data(text.utf8))
    #expect(recipe.epsilon == 0.5 && recipe.batch == 64 && recipe.norm == .l2)
    let again = try JSONDecoder().decode(
      ClassifierRecipe.self, from: JSONEncoder().encode(recipe))
    #expect(again == recipe)
  }
}
