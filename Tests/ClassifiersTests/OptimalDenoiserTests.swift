import Basics
import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

@Suite struct OptimalDenoiserTests {
  private static let shape = ImageShape(channels: 1, height: 5, width: 7)
  private static let bytes: [UInt8] = (0..<30 * 35).map { (i: Int) -> UInt8 in
    UInt8((i * 7919 + i / 35 * 31) % 256)
  }
  private static let labels = (0..<30).map { UInt8($0 % 3) }
  private let denoiser: OptimalDenoiser

  init() throws {
    denoiser = try OptimalDenoiser(
      shape: Self.shape, bytes: Self.bytes, labels: Self.labels, classCount: 3)
  }

  @Test func aClassWithoutImagesIsNamed() throws {
    for labels in [[], [UInt8](repeating: 1, count: 30)] {
      let error = try #require(throws: ElbowError.self) {
        try OptimalDenoiser(
          shape: Self.shape, bytes: Array(Self.bytes.prefix(35 * labels.count)), labels: labels,
          classCount: 3)
      }
      #expect(error.message.contains("class 0 has no training image"))
    }
  }

  /// Images of numbers are those of grey values, where they are the same.
  @Test func numbersAreAsGreyValues() throws {
    let numbers = try OptimalDenoiser(
      shape: Self.shape, values: Self.bytes.map { Float($0) / 255 }, labels: Self.labels,
      classCount: 3)
    var residuals = [[Float](repeating: 0, count: 35), [Float](repeating: 0, count: 35)]
    var gradients = residuals
    for (i, one) in [denoiser, numbers].enumerated() {
      var output = residuals[i].mutableSpan
      try one.makeSession().residuals(
        image: image.span, noise: noise.span, sigma: 0.5, labels: [1], into: &output)
      var pulled = gradients[i].mutableSpan
      try one.makeSession().gradient(
        image: image.span, noise: noise.span, sigma: 0.5, labels: [1], into: &pulled,
        of: ResidualCotangent(.residual, factors: [1]))
    }
    #expect(relativeError(residuals[1], residuals[0]) < 1e-5)
    #expect(relativeError(gradients[1], gradients[0]) < 1e-4)
  }

  private let image = (0..<35).map { Float($0 % 9) / 4.5 - 1 }
  private let noise = (0..<35).map { Float(($0 * 5) % 11) / 5.5 - 1 }

  /// D* in Double as the formula stands.
  private func plain(_ x: [Double], sigma: Double, label: Int?) -> [Double] {
    let rows = (0..<30).filter { label == nil || Int(Self.labels[$0]) == label }.map { i in
      Self.bytes[i * 35..<(i + 1) * 35].map { Double($0) / 127.5 - 1 }
    }
    let noised = zip(x, noise).map { $0 + sigma * Double($1) }
    let exponents = rows.map { (row: [Double]) -> Double in
      var distance = 0.0
      for (a, b) in zip(noised, row) { distance += (a - b) * (a - b) }
      return -distance / (2 * sigma * sigma)
    }
    let top = exponents.max() ?? 0
    let shares = exponents.map { exp($0 - top) }
    let total = shares.reduce(0, +)
    return x.indices.map { p in
      var mean = 0.0
      for (share, row) in zip(shares, rows) { mean += share / total * row[p] }
      return mean - x[p]
    }
  }

  @Test(arguments: [Float(0.001), 0.3, 1, 3, 80], [nil, 0, 2])
  func closedForm(sigma: Float, label: Int?) throws {
    let session = denoiser.makeSession()
    var residual = [Float](repeating: 0, count: 35)
    var output = residual.mutableSpan
    try session.residuals(
      image: image.span, noise: noise.span, sigma: sigma, labels: [label], into: &output)
    let expected = plain(image.map(Double.init), sigma: Double(sigma), label: label)
    // Rows padded from 35 to 48 values must not count.
    for (a, b) in zip(residual, expected) { #expect(abs(Double(a) - b) < 2e-5) }

    // (∂r/∂x)ᵀv against central differences of the Double twin.
    let v = (0..<35).map { Float(($0 * 3) % 7) / 3 - 1 }
    var gradient = [Float](repeating: 0, count: 35)
    var pulled = gradient.mutableSpan
    try session.gradient(
      image: image.span, noise: noise.span, sigma: sigma, labels: [label], into: &pulled
    ) { _, r in
      for i in r.indices { r[i] = v[i] }
    }
    func value(_ x: [Double]) -> Double {
      var sum = 0.0
      for (r, v) in zip(plain(x, sigma: Double(sigma), label: label), v) { sum += r * Double(v) }
      return sum
    }
    let h = 1e-5 * Double(min(sigma, 1))
    let differences = (0..<35).map { i in
      var (a, b) = (image.map(Double.init), image.map(Double.init))
      a[i] += h
      b[i] -= h
      return (value(a) - value(b)) / (2 * h)
    }
    var (error, norm) = (0.0, 0.0)
    for (a, b) in zip(gradient, differences) {
      error += (Double(a) - b) * (Double(a) - b)
      norm += b * b
    }
    #expect((error / norm).squareRoot() < 1e-3)
  }

  @Test func classifiesItsOwnSupport() throws {
    let pool = DenoiserPool(denoiser, workers: WorkerPool(threads: 2))
    var c = Configuration(
      classifier: .optimal, model: "m", grid: "linear:0.1:2:8", weights: "edm")
    c.strategy = "full"
    let classifier = DiffusionClassifier(
      pool, plan: try ClassifierPlan(c, classCount: 3, shape: Self.shape))
    for i in 0..<6 {
      let pixels = Self.bytes[i * 35..<(i + 1) * 35].map { Float($0) / 255 }
      let answer = try classifier.classify(pixels, key: key, stream: defence)
      #expect(answer.predicted == i % 3)
    }
  }
}
