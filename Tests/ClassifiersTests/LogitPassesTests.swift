import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

/// A classifier that takes images one by one, whatever its base does with several.
private struct OneByOne: ImageClassifier {
  let base: any ImageClassifier
  var shape: ImageShape { base.shape }
  var classCount: Int { base.classCount }
  var isRandomized: Bool { base.isRandomized }

  func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> Answer {
    try base.classify(image, key: key, stream: stream)
  }

  func logits(of image: [Float], key: ImageKey, stream: NoiseStream) throws -> LogitAnswer {
    try base.logits(of: image, key: key, stream: stream)
  }

  func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    try base.gradient(of: image, key: key, stream: stream, asking: demand, cotangent: cotangent)
  }
}

@Suite struct LogitPassesTests {
  private static let kinds = [
    "cnn", "denoise:0.5", "sde:0.34:2", "lm released", "denoise:0.5 dc", "denoise:0.5 bpda",
  ]

  private func classifier(_ kind: String, threads: Int = 2) throws -> any ImageClassifier {
    let workers = WorkerPool(threads: threads)
    let pool = DenoiserPool(try shippedDenoiser(), workers: workers)
    let network = NetworkClassifier(
      try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-cnn-noise-0.25")).makeResNet(),
      workers: workers)
    let words = kind.split(separator: " ").map(String.init)
    switch words[0] {
    case "cnn": return network
    case "lm":
      let grid = try NoiseGrid("linear:0.4:1.5:3")
      let maximizer = try LikelihoodMaximizer(
        pool, parameters: .defaults(.released, grid: grid), grid: grid)
      return try PurifiedClassifier(maximizer, network, passage: .exact)
    default:
      let purifier = try DiffusionPurifier(pool, Purification(words[0]))
      guard words.last == "dc" else {
        return try PurifiedClassifier(
          purifier, network, passage: words.last == "bpda" ? .bpda : .exact)
      }
      let c = Configuration(classifier: .dc, model: "m", grid: "linear:0.4:1.5:3", weights: "snr")
      return try PurifiedClassifier(
        purifier,
        DiffusionClassifier(
          pool, plan: ClassifierPlan(c, classCount: 10, shape: pool.denoiser.shape)),
        passage: .exact)
    }
  }

  private func smoothed(
    _ base: some ImageClassifier, _ smoothing: Smoothing
  ) -> any ImageClassifier {
    SmoothedClassifier(base, smoothing)
  }

  /// Images that differ, each on a stream of its own.
  private func images(_ count: Int) -> [DrawnImage] {
    (0..<count).map { n in
      DrawnImage(
        picture.enumerated().map { min($1 + Float(($0 * (n + 3)) % 17) / 40, 1) },
        on: NoiseStream(seed: UInt64(n), owner: .defence))
    }
  }

  private func slope(_ n: Int) -> [Double] { (0..<10).map { Double(($0 * 7 + n) % 5) - 2 } }

  /// What is found of an image is what is found of it alone; so many images that not all passes are
  /// kept.
  @Test(arguments: kinds) func imagesTogetherAreAsAlone(kind: String) throws {
    let classifier = try classifier(kind)
    let images = images(kind == "denoise:0.5" ? 100 : 3)
    let passes = try classifier.passes(of: images, key: key, asking: GradientDemand())
    let answers = try classifier.logits(of: images, key: key)
    #expect(passes.answers.map(\.logits) == answers.map(\.logits))
    #expect(passes.answers.map(\.cost) == answers.map(\.cost))
    let back = try passes.pullback(images.indices.map(slope))
    #expect(back.gradients.count == images.count)
    for (n, image) in images.enumerated() {
      let alone = try classifier.gradient(of: image.image, key: key, stream: image.stream) { _ in
        slope(n)
      }
      #expect(alone.logits == answers[n].logits)
      #expect(relativeError(back.gradients[n], alone.gradient) < 1e-6, "\(n)")
    }
  }

  /// The draws of a smoothed classifier go through its networks together: the same logits, the same
  /// gradient to rounding, on any number of threads.
  @Test(arguments: kinds) func smoothingTakesItsDrawsTogether(kind: String) throws {
    let smoothing = Smoothing(deviation: 0.25, selection: 3, draws: 11)
    let base = try classifier(kind)
    let together = smoothed(base, smoothing)
    let alone = smoothed(OneByOne(base: base), smoothing)
    let (a, b) = try (
      together.classify(picture, key: key, stream: defence),
      alone.classify(picture, key: key, stream: defence)
    )
    #expect(a.predicted == b.predicted && a.cost == b.cost)
    #expect(a.evidence.map(\.elbo) == b.evidence.map(\.elbo))
    let gradients = try [together, smoothed(classifier(kind, threads: 1), smoothing)].map {
      try $0.gradient(of: picture, key: key, stream: defence, cotangent: cotangent)
    }
    let expected = try alone.gradient(of: picture, key: key, stream: defence, cotangent: cotangent)
    #expect(gradients[0].gradient == gradients[1].gradient)
    #expect(gradients[0].logits == expected.logits && gradients[0].predicted == a.predicted)
    #expect(relativeError(gradients[0].gradient, expected.gradient) < 1e-6)
    // Likelihood maximization takes gradients to move an image, which is moved once.
    #expect(gradients[0].cost.gradients <= expected.cost.gradients)
    #expect(gradients[0].cost.evaluations <= expected.cost.evaluations)
  }

  /// A draw's evaluations count once, with the way back through them or without.
  @Test func evaluationsCountOnce() throws {
    func cost(_ kind: String) throws -> Cost {
      try smoothed(
        classifier(kind), Smoothing(deviation: 0.25, selection: 3, draws: 11)
      ).gradient(of: picture, key: key, stream: defence, cotangent: cotangent).cost
    }
    #expect(try cost("cnn") == Cost(evaluations: 11, gradients: 11))
    #expect(try cost("denoise:0.5") == Cost(evaluations: 22, gradients: 22))
    #expect(try cost("denoise:0.5 bpda") == Cost(evaluations: 22, gradients: 11))
    // The path of two steps is evaluated again.
    #expect(try cost("sde:0.34:2") == Cost(evaluations: 11 * (3 + 2), gradients: 11 * (1 + 2)))
    // So are the losses of a diffusion classifier, 3 levels of 10 classes, all of which weigh.
    #expect(
      try cost("denoise:0.5 dc") == Cost(evaluations: 11 * (1 + 30 + 30), gradients: 11 * (30 + 1)))
  }
}
