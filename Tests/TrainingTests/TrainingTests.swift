import Basics
import Datasets
import Foundation
import Networks
import TensorCore
import TestSupport
import Testing
import Training

@Suite struct TrainingTests {
  private let start: ParameterVector

  init() throws {
    let checkpoint = try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small"))
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
        sigma: sigma[row] * (1 + 0.01 * Float(item / sigma.count)), noises: [Array(noise[range])])
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

  /// Rounded products give nearly the same loss and direction, by a step of the same length.
  @Test func narrowProductsPointTheSameWay() throws {
    let batch = try batch()
    func measure(_ precision: Precision) throws -> (loss: Double, gradient: [Float]) {
      try DiffusionTrainer(
        TrainingState(start), precision: precision, workers: WorkerPool(threads: 2)
      ).gradient(batch)
    }
    let (single, narrow) = (try measure(.fp32), try measure(.bf16))
    #expect(narrow.loss != single.loss && abs(narrow.loss / single.loss - 1) < 0.01)
    let error = relativeError(narrow.gradient, single.gradient)
    #expect(error > 1e-5 && error < 0.1, "\(error)")
  }

  /// To the last bit, over more images than one part of a batch has.
  @Test func stepsDoNotDependOnThreads() throws {
    let batch = try batch(times: 5)
    let (one, three) = (try trainer(threads: 1), try trainer(threads: 3))
    for _ in 0..<2 {
      let losses = [one, three].map { try? $0.step(batch, rate: 1e-3, decay: 0.9).loss }
      #expect(losses[0] != nil && losses[0] == losses[1])
    }
    #expect(one.parameters.values == three.parameters.values)
    #expect(one.average.values == three.average.values)
    #expect(one.parameters.values != start.values)
  }

  /// The batch with rivals; of `draws` draws of noise an image.
  private func rivalledBatch(draws: Int = 1) throws -> [DiffusionTrainer.Example] {
    var batch = try batch()
    for i in batch.indices where batch[i].label != nil {
      batch[i].rivals = [3, 8, 5].filter { $0 != batch[i].label }
    }
    for i in batch.indices {
      for draw in 1..<draws {
        batch[i].noises.append(batch[i].noises[0].map { Float(draw) * 0.3 - $0 })
      }
    }
    return batch
  }

  /// p of every draw from residuals taken alone; rivals stand for all other classes.
  private func posteriors(
    _ e: DiffusionTrainer.Example, _ denoiser: EDMDenoiser
  ) throws -> [[Double]] {
    let s = Double(e.sigma)
    return try e.noises.map { noise in
      let logits = try ([e.label] + e.rivals).enumerated().map { place, k in
        var values = e.image
        var output = values.mutableSpan
        try denoiser.makeSession().residuals(
          image: e.image.span, noise: noise.span, sigma: e.sigma, labels: [k], into: &output)
        let error = values.reduce(0.0) { $0 + Double($1) * Double($1) }
        return -(s * s + 0.25) / (s * s * 0.25) * error
          + (place == 0 ? 0 : log(9 / Double(e.rivals.count)))
      }
      let top = logits.max() ?? 0
      let total = logits.reduce(0) { $0 + exp($1 - top) }
      return logits.map { exp($0 - top) / total }
    }
  }

  private func trainer(
    _ parameters: ParameterVector, contrast: Double = 0, consistency: Double = 0,
    attack: TrainingAttack? = nil, threads: Int = 2
  ) throws -> DiffusionTrainer {
    try DiffusionTrainer(
      TrainingState(parameters), contrast: contrast, consistency: consistency, precision: .fp32,
      attack: attack, workers: WorkerPool(threads: threads))
  }

  /// β·mean of −ln p_y.
  @Test func contrastIsTheEntropyOfOneLevel() throws {
    let batch = try rivalledBatch()
    let denoiser = try start.makeDenoiser()
    var expected = 0.0
    for e in batch where !e.rivals.isEmpty { expected -= log(try posteriors(e, denoiser)[0][0]) }
    expected *= 0.3 / Double(batch.count)
    func loss(_ contrast: Double) throws -> Double {
      try trainer(start, contrast: contrast).gradient(batch).loss
    }
    #expect(expected > 0.01)
    #expect(abs(try loss(0.3) - loss(0) - expected) < 1e-3 * expected)
    let plain = try trainer(threads: 2).gradient(self.batch()).loss
    #expect(abs(try loss(0) - plain) < 1e-9 * plain)
  }

  /// γ·mean of KL(p̄ ‖ p) over draws, and nothing where they are one draw twice; the other parts are
  /// means over draws.
  @Test func consistencyIsTheDivergenceFromTheMeanOfDraws() throws {
    let batch = try rivalledBatch(draws: 3)
    let denoiser = try start.makeDenoiser()
    var expected = 0.0
    for e in batch where !e.rivals.isEmpty {
      let draws = try posteriors(e, denoiser)
      let mean = draws[0].indices.map { k in draws.reduce(0) { $0 + $1[k] } / 3 }
      for p in draws {
        for k in p.indices where mean[k] > 0 { expected += mean[k] * log(mean[k] / p[k]) / 3 }
      }
    }
    expected *= 0.7 / Double(batch.count)
    func loss(_ batch: [DiffusionTrainer.Example], _ consistency: Double) throws -> Double {
      try trainer(start, contrast: 0.3, consistency: consistency).gradient(batch).loss
    }
    let plain = try loss(batch, 0)
    #expect(expected > 0.001)
    #expect(abs(try loss(batch, 0.7) - plain - expected) < 1e-3 * expected)
    let single = try (0..<3).map { draw in
      var batch = batch
      for i in batch.indices { batch[i].noises = [batch[i].noises[draw]] }
      return try loss(batch, 0)
    }
    #expect(abs(single.reduce(0, +) / 3 - plain) < 1e-6 * plain)
    var twice = try rivalledBatch()
    for i in twice.indices { twice[i].noises.append(twice[i].noises[0]) }
    let agreed = try loss(twice, 0)
    #expect(abs(try loss(twice, 0.7) - agreed) < 1e-9 * agreed)
  }

  /// (L(θ + hd) − L(θ − hd))/2h against ⟨∇L, d⟩ along the gradient with a part of every parameter;
  /// Float32's noise in the loss over the step bounds it.
  @Test(arguments: [(0.3, 0.0), (0.01, 3.0)])
  func contrastsMatchFiniteDifferences(contrast: Double, consistency: Double) throws {
    let batch = try rivalledBatch(draws: consistency > 0 ? 2 : 1)
    func measure(_ parameters: ParameterVector) throws -> (loss: Double, gradient: [Float]) {
      try trainer(parameters, contrast: contrast, consistency: consistency).gradient(batch)
    }
    let gradient = try measure(start).gradient.map(Double.init)
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let scale = 0.2 / Double(gradient.count).squareRoot()
    let direction = gradient.enumerated().map {
      $1 / norm + scale * Double(($0 * 31) % 17 - 8) / 8
    }
    func loss(_ h: Double) throws -> Double {
      var moved = start
      for i in moved.values.indices { moved.values[i] += Float(h * direction[i]) }
      return try measure(moved).loss
    }
    let difference = (try loss(1e-4) - loss(-1e-4)) / 2e-4
    let exact = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(difference - exact) < 3e-3 * abs(exact))
  }

  /// The image is moved within its ball to where its class is less likely, with several draws than at the
  /// start that they share; what has no rivals stays.
  @Test(arguments: [("linf", 0.1), ("l2", 1.5)]) func attackedImagesAreLessLikely(
    norm: String, epsilon: Double
  ) throws {
    var batch = try rivalledBatch(draws: 2)
    for i in batch.indices {
      batch[i].image = batch[i].image.map { min(max($0, -1), 1) }
      batch[i].random = RandomStream(key: SIMD2(3, 0), counter: SIMD3(UInt32(i), 0, 0))
    }
    let denoiser = try start.makeDenoiser()
    func moved(_ steps: Int) throws -> [DiffusionTrainer.Example] {
      let attack = TrainingAttack(
        norm: try #require(.init(rawValue: norm)), epsilon: epsilon, steps: steps,
        rate: 2.5 * epsilon / 5)
      var moved = batch
      DiffusionTrainer.move(&moved, by: attack, EDMDenoiser.Session(denoiser), denoiser)
      return moved
    }
    func entropy(_ e: DiffusionTrainer.Example) throws -> Double {
      try posteriors(e, denoiser).reduce(0) { $0 - log($1[0]) }
    }
    let (started, attacked) = (try moved(0), try moved(5))
    for (i, e) in attacked.enumerated() {
      guard !e.rivals.isEmpty else {
        #expect(e.image == batch[i].image)
        continue
      }
      let gaps = zip(e.image, batch[i].image).map { Double($0 - $1) / 2 }
      let distance =
        norm == "linf"
        ? gaps.reduce(0) { max($0, $1.magnitude) }
        : gaps.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(distance < epsilon + 1e-6 && e.image.allSatisfy { -1...1 ~= $0 })
      #expect(started[i].image != batch[i].image && e.noises == batch[i].noises)
      #expect(try entropy(e) > entropy(started[i]))
    }
  }

  /// Training on attacked images is training on what the attack makes of them, on any number of threads.
  @Test func attackedImagesAreLearntAsTheyAre() throws {
    let batch = try rivalledBatch().map {
      var example = $0
      example.image = example.image.map { min(max($0, -1), 1) }
      return example
    }
    let attack = TrainingAttack(norm: .linf, epsilon: 0.05, steps: 2, rate: 0.03)
    let found = try trainer(start, contrast: 0.3, attack: attack).gradient(batch)
    let denoiser = try start.makeDenoiser()
    var moved = batch
    DiffusionTrainer.move(&moved, by: attack, EDMDenoiser.Session(denoiser), denoiser)
    let expected = try trainer(start, contrast: 0.3).gradient(moved)
    #expect(found.loss == expected.loss && found.gradient == expected.gradient)
    #expect(try found.loss > trainer(start, contrast: 0.3).gradient(batch).loss)
    let alone = try trainer(start, contrast: 0.3, attack: attack, threads: 1).gradient(batch)
    #expect(alone.gradient == found.gradient)
  }

  /// The multi-head recipe: no label is told or dropped, all classes come of one evaluation, and the
  /// examples have the draws that it asks for.
  @Test func recipesOfManyHeadsAskOnce() throws {
    func recipe(_ keys: String) throws -> DiffusionRecipe {
      try JSONDecoder().decode(DiffusionRecipe.self, from: Data("{\(keys)}".utf8))
    }
    let heads = try recipe(#""multi_head": true, "contrast": 0.1, "consistency": 1"#)
    #expect(heads.problem(images: 60_000) == nil && heads.labelDropout == 0)
    let dataset = try DatasetCatalog.load("fashion-mnist", split: "train")
    let architecture = try #require(heads.architecture(for: dataset) as? UNetArchitecture)
    #expect(architecture.heads == 10 && architecture.labelInputs == 0)
    var examples = heads.makeExamples(dataset)
    for e in examples.batch(at: 2) {
      #expect(e.noises.count == 2 && e.noises[0] != e.noises[1] && e.rivals.count == 3)
    }
    // What was drawn before is drawn still.
    var one = try recipe(#""label_dropout": 0, "contrast": 0.1"#).makeExamples(dataset)
    let pairs = zip(one.batch(at: 2), examples.batch(at: 2))
    #expect(pairs.allSatisfy { $0.noises[0] == $1.noises[0] && $0.rivals == $1.rivals })
    let attack = try #require(recipe(#""epsilon": "8/255", "contrast": 1"#).attack)
    #expect(attack.norm == .linf && attack.epsilon == 8.0 / 255 && attack.steps == 3)
    #expect(abs(attack.rate - 2.5 * 8 / 255 / 3) < 1e-12 && one.batch(at: 2)[0].random != nil)
    for (keys, word) in [
      (#""multi_head": true, "label_dropout": 0.1"#, "label_dropout"),
      (#""consistency": 1"#, "contrast"), (#""consistency": -1"#, "consistency"),
      (#""contrast": 0.1, "consistency": 1, "draws": 1"#, "draws"),
      (#""draws": 0"#, "draws"), (#""epsilon": "8/255""#, "contrast"),
      (#""attack_steps": 2, "contrast": 1"#, "epsilon"),
      (#""epsilon": 0.1, "contrast": 1, "norm": "flow""#, "norm"),
      (#""epsilon": 0.1, "contrast": 1, "attack_steps": 0"#, "attack_steps"),
    ] {
      #expect(try recipe(keys).problem(images: 60_000)?.contains(word) == true, "\(keys)")
    }
  }

  /// A few steps on one batch learn it, and the average follows at its own pace.
  @Test func stepsLowerTheLoss() throws {
    let batch = try batch()
    let trainer = try trainer(threads: 2)
    let before = trainer.parameters.values
    let first = try trainer.step(batch, rate: 1e-3, decay: 0.75).loss
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

  /// A clipped gradient moves like a shorter one, and a diverged step changes nothing.
  @Test func stepsClipAndRefuseToDiverge() throws {
    let batch = try batch()
    let trainer = try trainer(threads: 2)
    let before = trainer.parameters.values
    let (_, gradient) = try trainer.gradient(batch)
    let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    var (expected, adam) = (before, Adam(count: before.count))
    adam.step(&expected, gradient: gradient.map { $0 / 2 }, rate: 1e-3)
    let step = try trainer.step(batch, rate: 1e-3, decay: 0.9, clip: norm / 2)
    #expect(abs(step.gradientNorm - norm) < 1e-9 * norm)
    #expect(zip(trainer.state.optimizer.first, adam.first).allSatisfy { abs($0 - $1) < 1e-7 })
    #expect(trainer.parameters.values != before)

    var broken = batch
    broken[0].image[5] = .nan
    let state = trainer.parameters.values
    #expect(throws: ElbowError.self) { try trainer.step(broken, rate: 1e-3, decay: 0.9) }
    #expect(trainer.parameters.values == state && trainer.state.optimizer.steps == 1)
  }

  /// A state that was written and read goes on to the same bits.
  @Test func statesGoOnAsTheyWere() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("state")
    let batch = try batch()
    let workers = WorkerPool(threads: 2)
    let whole = try DiffusionTrainer(TrainingState(start, weightDecay: 0.1), workers: workers)
    try whole.step(batch, rate: 1e-3, decay: 0.9)
    try whole.state.write(to: path, identity: "a")
    try whole.step(batch, rate: 1e-3, decay: 0.9)
    let read = try TrainingState(path: path, identity: "a", start: start, weightDecay: 0.1)
    let rest = try DiffusionTrainer(read, workers: workers)
    try rest.step(batch, rate: 1e-3, decay: 0.9)
    #expect(rest.parameters.values == whole.parameters.values)
    #expect(rest.average.values == whole.average.values)
    #expect(throws: ElbowError.self) {
      try TrainingState(path: path, identity: "b", start: start)
    }
  }

  /// Warm-up to the peak, then a cosine to 0.
  @Test func ratesWarmUpAndFall() {
    var recipe = DiffusionRecipe()
    (recipe.rate, recipe.warmupSteps) = (2, 10)
    #expect(recipe.rate(at: 0, of: 110) == 0.2)
    #expect(recipe.rate(at: 9, of: 110) == 2 && recipe.rate(at: 10, of: 110) == 2)
    #expect(abs(recipe.rate(at: 60, of: 110) - 1) < 1e-12)
    #expect(recipe.rate(at: 109, of: 110) < 1e-3)
    #expect(recipe.decay(at: 0) == 0.1 && recipe.decay(at: 1_000_000) == recipe.averageDecay)
  }

  /// Every epoch shows every image learnt from once, in an order of its own, and no held-out one.
  @Test func epochsShowEveryImageOnce() throws {
    let dataset = try DatasetCatalog.load("fashion-mnist", split: "train")
    var recipe = DiffusionRecipe()
    (recipe.heldOut, recipe.batch, recipe.flip) = (dataset.count - 300, 100, false)
    (recipe.labelDropout, recipe.sigmaDeviation) = (0, 0)
    var examples = DiffusionExamples(recipe, dataset: dataset)
    let known = (0..<300).map { dataset.pixels(at: $0).map { ($0 * 255).rounded() / 127.5 - 1 } }
    func epoch(_ number: Int) -> [[Float]] {
      (0..<3).flatMap { examples.batch(at: 3 * number + $0).map(\.image) }
    }
    let (first, second) = (epoch(0), epoch(1))
    #expect(Set(first) == Set(known) && Set(second) == Set(known))
    #expect(first != second && first == epoch(0))
    #expect(examples.validation.count == recipe.heldOut)
    let sigma = Float(exp(recipe.sigmaMean))
    #expect(examples.batch(at: 0).allSatisfy { abs($0.sigma - sigma) < 1e-6 && $0.label != nil })
  }

  /// Half of the images are mirrored, a tenth lose their labels, ln σ is normal, shifts stay in
  /// bounds: each within four standard errors.
  @Test func examplesFollowTheRecipe() throws {
    let dataset = try DatasetCatalog.load("fashion-mnist", split: "train")
    var recipe = DiffusionRecipe()
    recipe.batch = 4000
    var examples = DiffusionExamples(recipe, dataset: dataset)
    let batch = examples.batch(at: 7)
    let n = Double(batch.count)
    let dropped = Double(batch.count { $0.label == nil }) / n
    #expect(abs(dropped - 0.1) < 4 * (0.09 / n).squareRoot())
    let logs = batch.map { (log(Double($0.sigma)) - recipe.sigmaMean) / recipe.sigmaDeviation }
    #expect(abs(logs.reduce(0, +) / n) < 4 / n.squareRoot())
    #expect(abs(logs.reduce(0) { $0 + $1 * $1 } / n - 1) < 4 * (2 / n).squareRoot())
    recipe.flip = false
    examples = DiffusionExamples(recipe, dataset: dataset)
    let plain = examples.batch(at: 7)
    let mirrored = Double(zip(batch, plain).count { $0.image != $1.image }) / n
    #expect(abs(mirrored - 0.5) < 4 * (0.25 / n).squareRoot())
    #expect(batch.allSatisfy { $0.rivals.isEmpty })
    (recipe.contrast, recipe.rivals) = (0.1, 4)
    examples = DiffusionExamples(recipe, dataset: dataset)
    let contrasted = examples.batch(at: 7)
    #expect(zip(contrasted, plain).allSatisfy { $0.image == $1.image && $0.noises == $1.noises })
    for example in contrasted {
      let rivals = Set(example.rivals)
      #expect(rivals.count == (example.label == nil ? 0 : 4))
      #expect(!rivals.contains(example.label ?? -1))
    }
    let labelled = contrasted.filter { $0.label != nil && $0.label != 6 }
    let share = Double(labelled.count { $0.rivals.contains(6) }) / Double(labelled.count)
    #expect(abs(share - 4.0 / 9) < 4 * (20.0 / 81 / Double(labelled.count)).squareRoot())
    recipe.shift = 2
    examples = DiffusionExamples(recipe, dataset: dataset)
    let shifted = examples.batch(at: 7)
    let moved = Double(zip(shifted, plain).count { $0.image != $1.image }) / n
    #expect(abs(moved - 24.0 / 25) < 4 * (0.0384 / n).squareRoot())
  }
}
