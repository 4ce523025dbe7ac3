import Basics
import Classifiers
import Records
import Synchronization
import TensorCore

/// Measures how fast this machine evaluates a classifier's network, in a second or so.
package enum SpeedProbe {
  /// Timesteps a class: one, and eight where that leaves time: networks are faster in groups.
  private static let sizes = [1, 8]
  /// A size whose images take longer is the last one tried, seconds.
  private static let patience = 0.1
  /// How long the last size is measured, seconds.
  private static let duration = 0.4

  /// Wall seconds of one evaluation while an image is in flight on each thread, or on `batch` of them.
  ///
  /// - Parameter request: says classifier and models; of its grid a few timesteps are evaluated.
  /// - Throws: as `RunPlan.init`; `CancellationError` where the workers are cancelled.
  package static func secondsPerEvaluation(
    _ request: RunRequest, workers: WorkerPool, batch: Int, files: LoadedFiles
  ) throws -> Double {
    var request = request
    request.attack = nil
    request.recordsLosses = false
    let timesteps = try RunPlan(request, workers: workers, files: files).timesteps.count
    var rate = 0.0
    // Without timesteps there is one size, the network itself.
    for size in timesteps == 0 ? [0] : sizes where size <= timesteps {
      if size > 0 { request.configuration.strategy = "uniform:\(size)" }
      let plan = try RunPlan(request, workers: workers, files: files)
      // The first images find cold caches.
      let first = try measure(plan, batch)
      var (seconds, units) = first
      if seconds < patience { (seconds, units) = (0, 0) }
      while seconds < duration, seconds == 0 || first.seconds < duration {
        let round = try measure(plan, batch)
        (seconds, units) = (seconds + round.seconds, units + round.units)
      }
      rate = seconds / max(units, 1)
      if first.seconds > patience { break }
    }
    return rate
  }

  /// Classifies an image on each lane.
  private static func measure(
    _ plan: RunPlan, _ batch: Int
  ) throws -> (seconds: Double, units: Double) {
    let lanes = max(1, min(batch, plan.workers.count))
    let total = Mutex(0.0)
    let clock = ContinuousClock()
    let start = clock.now
    try plan.workers.forEach(lanes) { lane, _ in
      let index = lane % plan.dataset.count
      let key = ImageKey(dataset: plan.dataset.name, split: "", index: index)
      let answer = try plan.classifier.classify(
        plan.dataset.pixels(at: index), key: key, stream: NoiseStream(seed: 0, owner: .defence))
      total.withLock {
        $0 += ExpectedCost.units(
          evaluations: Double(answer.cost.evaluations), gradients: Double(answer.cost.gradients))
      }
    }
    return ((clock.now - start).seconds, total.withLock { $0 })
  }
}
