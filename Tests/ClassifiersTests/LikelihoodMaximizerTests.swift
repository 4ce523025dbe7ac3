import Basics
import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

@Suite struct LikelihoodMaximizerTests {
  private func maximizer(
    _ variant: LikelihoodMaximization.Variant
  ) throws -> LikelihoodMaximizer {
    let grid = try NoiseGrid("linear:0.2:2:6")
    return try LikelihoodMaximizer(
      DenoiserPool(try shippedDenoiser(), workers: WorkerPool(threads: 2)),
      parameters: .defaults(variant, grid: grid), grid: grid)
  }

  /// Against saved Float64 results on the same draws; tolerances of the fixture's README.
  @Test(arguments: [
    (LikelihoodMaximization.Variant.released, "released_unclipped"),
    (.paper, "paper_eta_8_255_unclipped"),
  ])
  func parity(variant: LikelihoodMaximization.Variant, tensor: String) throws {
    let file = try SafetensorsFile(path: fixture("likelihood-maximization-small"))
    let (x, sigma) = (try file.floats("x"), try file.floats("sigma"))
    let (noise, expected) = (try file.floats("noise"), try file.floats(tensor))
    let maximizer = try maximizer(variant)
    var (close, largest) = (0, Float(0))
    for image in 0..<8 {
      let draws = (0..<5).map { step in
        let start = (step * 8 + image) * 784
        return LikelihoodMaximizer.Draw(
          sigma: sigma[step * 8 + image], noise: Array(noise[start..<start + 784]))
      }
      let found = try maximizer.maximize(
        Array(x[image * 784..<(image + 1) * 784]), draws: draws)
      for (a, b) in zip(found, expected[image * 784..<(image + 1) * 784]) {
        if abs(a - b) < 1e-2 { close += 1 }
        largest = max(largest, abs(a - b))
      }
    }
    switch variant {
    case .released: #expect(Double(close) >= 0.99 * 8 * 784)
    default: #expect(largest < 1e-5)
    }
  }

  @Test(arguments: LikelihoodMaximization.Variant.allCases)
  func boundsHold(variant: LikelihoodMaximization.Variant) throws {
    let maximizer = try maximizer(variant)
    let (moved, cost) = try maximizer.maximize(picture, key: key, stream: defence)
    #expect(moved.allSatisfy { (0...1).contains($0) })
    #expect(moved != picture)
    let movement = zip(moved, picture).map { Double($0) - Double($1) }
    switch variant {
    case .paper:
      #expect(movement.allSatisfy { abs($0) <= 8.0 / 255 + 1e-6 })
      #expect(cost == Cost(evaluations: 5, gradients: 5))
    case .released:
      #expect(movement.contains { abs($0) > 0.05 })
    case .l2:
      // Five steps of η/5 in one direction reach at most η; the gradient is the whole grid's.
      #expect(movement.reduce(0) { $0 + $1 * $1 }.squareRoot() <= 0.5 + 1e-5)
      #expect(cost == Cost(evaluations: 30, gradients: 30))
    }
    let again = try maximizer.maximize(picture, key: key, stream: defence)
    #expect(again.image == moved)
    let attacker = NoiseStream(seed: 3, owner: .attack(step: 0, eot: 0))
    #expect(try maximizer.maximize(picture, key: key, stream: attacker).image != moved)
  }

  /// Likelihood maximization must do what it says: a lower denoising loss on other noise.
  @Test(arguments: LikelihoodMaximization.Variant.allCases)
  func lossFalls(variant: LikelihoodMaximization.Variant) throws {
    let denoiser = try shippedDenoiser()
    let noisy = picture.enumerated().map { min(max($1 + Float($0 % 5 - 2) / 12, 0), 1) }
    let moved = try maximizer(variant).maximize(noisy, key: key, stream: defence).image
    func loss(_ image: [Float]) throws -> Double {
      let session = denoiser.makeSession()
      let x = image.map { 2 * $0 - 1 }
      return try (0..<40).reduce(0) { sum, draw in
        var random = NoiseKey(defence, .classification, key, draw: draw).random()
        var (noise, residual) = (x, x)
        var span = noise.mutableSpan
        random.gaussians(into: &span)
        var output = residual.mutableSpan
        try session.residuals(
          image: x.span, noise: noise.span, sigma: 0.5, labels: [nil], into: &output)
        return sum + residual.reduce(0.0) { $0 + Double($1) * Double($1) }
      }
    }
    #expect(try loss(moved) < loss(noisy))
  }

  @Test func impossibleParametersAreRefused() throws {
    let grid = try NoiseGrid("linear:0.2:2:6")
    let pool = DenoiserPool(try shippedDenoiser(), workers: WorkerPool(threads: 1))
    func refuses(
      _ variant: LikelihoodMaximization.Variant, _ change: (inout LikelihoodMaximization) -> Void
    ) {
      var parameters = LikelihoodMaximization.defaults(variant, grid: grid)
      change(&parameters)
      #expect(throws: ElbowError.self) {
        try LikelihoodMaximizer(pool, parameters: parameters, grid: grid)
      }
    }
    refuses(.paper) { $0.steps = 0 }
    refuses(.paper) { $0.rate = .nan }
    refuses(.paper) { ($0.sigmaLow, $0.sigmaHigh) = (2, 1) }
    // What Float32 cannot hold, or the square of which it cannot.
    refuses(.paper) { ($0.sigmaLow, $0.sigmaHigh) = (1, 1e308) }
    refuses(.paper) { ($0.sigmaLow, $0.sigmaHigh) = (1e-60, 1) }
    refuses(.paper) { $0.rate = 1e300 }
    refuses(.paper) { $0.eta = -1 }
    refuses(.released) { $0.eta = 0.1 }
    refuses(.l2) { $0.eta = nil }
    refuses(.l2) { ($0.sigmaLow, $0.sigmaHigh) = (5, 6) }
  }

  @Test func rdcIsTheClassifierOnTheMovedImage() throws {
    let denoiser = try shippedDenoiser()
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    let base = DiffusionClassifier(pool, plan: try diffusionPlan(denoiser))
    let maximizer = try maximizer(.paper)
    let rdc = PurifiedClassifier(maximizer, base)
    let answer = try rdc.classify(picture, key: key, stream: defence)
    let (moved, _) = try maximizer.maximize(picture, key: key, stream: defence)
    let expected = try base.classify(moved, key: key, stream: defence)
    #expect(answer.evidence == expected.evidence)
    #expect(answer.cost == Cost(evaluations: 65, gradients: 5))
    #expect(try #require(answer.movementMax) <= 8.0 / 255 + 1e-6)
    // BPDA: the gradient at the moved image stands for that at the image.
    let gradient = try rdc.gradient(
      of: picture, key: key, stream: defence, cotangent: cotangent)
    let direct = try base.gradient(of: moved, key: key, stream: defence, cotangent: cotangent)
    #expect(gradient.gradient == direct.gradient)
    #expect(gradient.cost == Cost(evaluations: 60 + 5, gradients: 18 + 5))
  }
}
