import Classifiers
import Networks
import Records
import Synchronization
import TensorCore

/// Held-out images that say what a denoiser in training is worth as a diffusion classifier.
struct ClassifiedImages: Sendable {
  /// How many at most, and at which noise levels.
  private static let (count, grid) = (300, "quantile:10")

  private let images: [(pixels: [Float], label: Int)]

  /// The first of `examples`, in [−1, 1] units.
  init<E: Sequence>(_ examples: E, _ image: (E.Element) -> (pixels: [Float], label: Int)?) {
    images = Array(examples.lazy.compactMap(image).prefix(Self.count))
  }

  /// Share that `denoiser` classifies rightly, weights `edm`.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled.
  func accuracy(of denoiser: EDMDenoiser, workers: WorkerPool) throws -> Double {
    let plan = try ClassifierPlan(
      Configuration(classifier: .dc, model: "", grid: Self.grid, weights: "edm"),
      classCount: denoiser.classCount, shape: denoiser.shape)
    let classifier = DiffusionClassifier(
      DenoiserPool(denoiser, workers: workers), plan: plan, recordsLosses: false)
    let right = Mutex(0)
    try workers.forEach(images.count) { item, _ in
      let answer = try classifier.classify(
        images[item].pixels.map { ($0 + 1) / 2 },
        key: ImageKey(dataset: "validation", split: "train", index: item),
        stream: NoiseStream(seed: 0, owner: .defence))
      if answer.predicted == images[item].label { right.withLock { $0 += 1 } }
    }
    return Double(right.withLock { $0 }) / Double(images.count)
  }
}
