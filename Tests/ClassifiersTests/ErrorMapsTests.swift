import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

@Suite struct ErrorMapsTests {
  private static let configurations: [(String, @Sendable (inout Configuration) -> Void)] = [
    ("plain", { _ in }), ("absolute", { $0.loss = .absolute }),
    ("fresh", { $0.noise = .fresh }), ("draws", { ($0.antithetic, $0.draws) = (true, 2) }),
  ]

  private static func classifier(
    _ change: (inout Configuration) -> Void
  ) throws -> DiffusionClassifier {
    let denoiser = try shippedDenoiser()
    var c = Configuration(classifier: .dc, model: "m", grid: "linear:0.2:2:3", weights: "edm")
    change(&c)
    let plan = try ClassifierPlan(
      c, classCount: denoiser.classCount, shape: denoiser.shape)
    return DiffusionClassifier(
      DenoiserPool(denoiser, workers: WorkerPool(threads: 2)), plan: plan)
  }

  /// Summed over pixels, the maps are the losses that a prediction records, to the bit.
  @Test(arguments: configurations.map(\.0))
  func mapsSumToLosses(name: String) throws {
    let change = try #require(Self.configurations.first { $0.0 == name }?.1)
    let classifier = try Self.classifier(change)
    let answer = try classifier.classify(picture, key: key, stream: defence)
    let draws = name == "draws" ? 2 : 1
    guard case .dense(let losses) = answer.losses else {
      Issue.record("every class is asked at every level")
      return
    }
    for draw in 0..<draws {
      for timestep in 0..<3 {
        let maps = try classifier.errorMaps(
          of: picture, key: key, stream: defence, timestep: timestep, draw: draw)
        #expect(maps.sigma == classifier.sigmas[timestep] && maps.image == picture)
        let sums = maps.errors.map { Float($0.reduce(0) { $0 + Double($1) }) }
        let start = (draw * 3 + timestep) * 10
        #expect(sums == Array(losses[start..<start + 10]))
      }
    }
  }

  /// Pixel by pixel the squares of what the denoiser itself gives on the named noise.
  @Test func mapsAreTheDenoisersOwn() throws {
    let denoiser = try shippedDenoiser()
    let maps = try Self.classifier { _ in }.errorMaps(
      of: picture, key: key, stream: defence, timestep: 1, draw: 0)
    var noise = [Float](repeating: 0, count: 784)
    var random = NoiseKey(defence, .classification, key, sigma: maps.sigma).random()
    var span = noise.mutableSpan
    random.gaussians(into: &span)
    let x = picture.map { 2 * $0 - 1 }
    let session = EDMDenoiser.Session(denoiser)
    session.evaluate(
      (0..<10).map { .init(image: x, noise: noise, sigma: maps.sigma, label: $0) }
    ) { label, residual in
      let error = maps.errors[label].indices.map { i in
        abs(maps.errors[label][i] - residual[i] * residual[i])
      }
      #expect((error.max() ?? 1) < 1e-6)
    }
  }

  /// Behind likelihood maximization they are those of the image that it makes.
  @Test func maximizedImagesAreShown() throws {
    let pool = DenoiserPool(try shippedDenoiser(), workers: WorkerPool(threads: 2))
    let grid = try NoiseGrid("linear:0.2:2:3")
    let maximizer = try LikelihoodMaximizer(
      pool, parameters: .defaults(.paper, grid: grid), grid: grid)
    let base = try Self.classifier { _ in }
    let whole = PurifiedClassifier(maximizer, base)
    let (moved, _) = try maximizer.maximize(picture, key: key, stream: defence)
    let maps = try whole.errorMaps(of: picture, key: key, stream: defence, timestep: 2, draw: 0)
    let direct = try base.errorMaps(of: moved, key: key, stream: defence, timestep: 2, draw: 0)
    #expect(maps.image == moved && moved != picture)
    #expect(maps.errors == direct.errors)
  }
}
