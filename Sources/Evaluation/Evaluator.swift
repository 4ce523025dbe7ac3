import Attacks
import Basics
import Classifiers
import Engines
import Foundation
import Records
import Synchronization
import TensorCore

/// Classifies, and attacks, a run's images one by one and tells a sink what came of each.
package struct Evaluator: Sendable {
  /// The run.
  package var header: RunHeader
  /// The classifier that its configuration describes.
  package var classifier: any ImageClassifier
  /// The attack that its header describes.
  package var attack: Attacker?
  /// The image at a position of `header.inputs`, planar `[C, H, W]`, pixel units [0, 1].
  package var image: @Sendable (_ position: Int) throws -> [Float]
  /// Told what the attack on a position has spent so far.
  package var watch: @Sendable (_ position: Int, _ cost: Cost) -> Void = { _, _ in }
  /// The threads; cancelling them ends the evaluation as interrupted.
  package var workers: WorkerPool
  /// The engine that computes, whose cost is the run's.
  package var engine: EngineClient?

  /// The evaluation as given.
  package init(
    header: RunHeader, classifier: any ImageClassifier, attack: Attacker?,
    workers: WorkerPool, image: @escaping @Sendable (_ position: Int) throws -> [Float]
  ) {
    self.header = header
    self.classifier = classifier
    self.attack = attack
    self.workers = workers
    self.image = image
  }

  /// Evaluates the images that are not `done` yet, in order, `header.environment.batch` in flight at once.
  ///
  /// - Parameters:
  ///   - done: positions whose result is recorded; with any, or with `resuming`, the run goes on.
  ///   - sink: receives the events, the ending included.
  /// - Returns: how it ended; `failed` with the error's text where something threw.
  /// - Throws: what the sink throws on the first or the last event.
  package func run(
    skipping done: Set<Int> = [], resuming: Bool = false, into sink: any RunSink
  ) throws -> RunEnding {
    let clock = ContinuousClock()
    let (start, cpuStart) = (clock.now, ProcessUsage.current.cpuSeconds)
    let (energy, engineStart) = (EnergyMeter.started(), engine?.usage)
    try sink.receive(resuming ? .resumed(header) : .started(header))
    var status = RunEnding.Status.finished
    var message: String?
    do {
      try evaluate(header.inputs.indices.filter { !done.contains($0) }, sink)
    } catch is CancellationError {
      status = .interrupted
    } catch {
      status = .failed
      message = "\(error)"
    }
    let (usage, theirs) = (ProcessUsage.current, engine?.usage)
    let engineSeconds = (theirs?.cpuSeconds ?? 0) - (engineStart?.cpuSeconds ?? 0)
    var ending = RunEnding(
      status: status, error: message, wallSeconds: (clock.now - start).seconds,
      cpuSeconds: usage.cpuSeconds - cpuStart + max(0, engineSeconds),
      peakMemory: usage.peakMemory + (theirs?.peakMemory ?? 0))
    ending.energy = energy?.joules
    if let before = engineStart?.gpuEnergy, let after = theirs?.gpuEnergy, after >= before {
      ending.gpuEnergy = after - before
    }
    ending.gpuMemory = theirs?.gpuMemory
    try sink.receive(.ended(ending))
    return ending
  }

  private func evaluate(_ positions: [Int], _ sink: any RunSink) throws {
    let next = Atomic(0)
    let lanes = max(1, min(header.environment.batch, workers.count, positions.count))
    try workers.forEach(lanes) { _, _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < positions.count else { return }
        try sink.receive(.predicted(predict(positions[index], share: 1 / Double(lanes))))
      }
    }
  }

  private func predict(_ position: Int, share: Double) throws -> Prediction {
    let input = header.inputs[position]
    let key = ImageKey(dataset: input.dataset, split: input.split, index: input.index)
    let stream = NoiseStream(seed: header.seed, owner: .defence)
    let clean = try image(position)

    func classify(_ image: [Float]) throws -> Prediction {
      let (answer, seconds) = try timed { try classifier.classify(image, key: key, stream: stream) }
      var prediction = Prediction(
        position: position, predicted: answer.predicted,
        correct: answer.predicted == input.label, evidence: answer.evidence,
        nfe: answer.cost.evaluations, gradients: answer.cost.gradients, seconds: seconds * share)
      prediction.losses = header.recordsLosses ? answer.losses : nil
      prediction.movementMax = answer.movementMax
      prediction.movementMean = answer.movementMean
      return prediction
    }

    var prediction = try classify(clean)
    guard let attack, let asked = header.attack else { return prediction }
    var outcome = AttackOutcome(cleanPredicted: prediction.predicted)
    // A shift is nobody's choice: it comes over every image, and an image that it sets right is right.
    if prediction.correct || Attacks.isShift(asked.name) {
      let (result, seconds) = try timed {
        try attack.perturb(
          clean, label: input.label, key: key, seed: header.attackSeed ?? header.seed,
          defence: stream, against: classifier
        ) { [watch] in watch(position, $0) }
      }
      outcome.attempted = true
      outcome.image = result.image
      outcome.nfe = result.cost.evaluations
      outcome.gradients = result.cost.gradients
      outcome.seconds = seconds * share
      outcome.zeroGradientShare = result.zeroGradientShare
      outcome.loss = result.loss.isFinite ? result.loss : nil
      outcome.linf = result.linf
      outcome.l2 = result.l2
      outcome.brokenBy = result.finder
      prediction = try classify(result.image)
      let redraws = try (0..<asked.redraws).map { draw in
        let stream = NoiseStream(seed: header.seed, owner: .redraw(draw))
        return try classifier.classify(result.image, key: key, stream: stream).predicted
      }
      outcome.redraws = redraws.isEmpty ? nil : Redraws(redraws, label: input.label)
    }
    prediction.attack = outcome
    return prediction
  }
}

/// What a body returns, with its wall seconds.
private func timed<R>(_ body: () throws -> R) rethrows -> (R, Double) {
  let clock = ContinuousClock()
  let start = clock.now
  let result = try body()
  return (result, (clock.now - start).seconds)
}
