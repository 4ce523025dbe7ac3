import Foundation
import Networks
import TensorCore
import TestSupport
import Testing

/// Networks over signals against the networks over pictures, which are checked against saved values of
/// another implementation: a signal is a picture whose rows are all that signal, a filter of three
/// points the middle row of a 3×3 one. Every operation keeps rows alike, so that each row of the answer
/// is the signal's.
@Suite struct SignalNetworkTests {
  private static let unet = UNetArchitecture(
    resolution: 8, channels: 2, classes: 3, width: 16, multipliers: [1, 2], blocks: 1,
    attentionResolutions: [4], dimensions: 1)
  private static let resnet = ResNetArchitecture(
    resolution: 8, channels: 2, classes: 3, width: 16, multipliers: [1, 2], blocks: 2,
    dimensions: 1)

  /// The name that a parameter of a signals' network has in the pictures'.
  private static func flat(_ name: String) -> String {
    [8, 4, 2].reduce(name) { $0.replacing(".\($1)x\($1)_", with: ".\($1)_") }
  }

  /// The values of a pictures' parameter: filters stand in the middle row, the others are 0.
  private static func picture(_ name: String, _ shape: [Int]) -> [Float] {
    guard shape.count == 4 else { return ResNetTests.parameters(flat(name), shape) }
    let side = shape[3]
    let row = ResNetTests.parameters(flat(name), Array(shape[..<3]))
    guard side == 3 else { return row }
    let zeros: [Float] = [0, 0, 0]
    return (0..<shape[0] * shape[1]).flatMap { (filter: Int) -> [Float] in
      zeros + Array(row[filter * 3..<filter * 3 + 3]) + zeros
    }
  }

  /// Every row of every channel.
  private func rows(_ signal: [Float]) -> [Float] {
    (0..<128).map { i in signal[i / 64 * 8 + i % 8] }
  }

  private func sums(_ picture: [Float]) -> [Float] {
    var result = [Float](repeating: 0, count: 16)
    for (i, value) in picture.enumerated() { result[i / 64 * 8 + i % 8] += value }
    return result
  }

  private let signal: [Float]
  private let noise: [Float]

  init() {
    var random = RandomStream(key: SIMD2(3, 4), counter: SIMD3(5, 6, 7))
    signal = (0..<16).map { _ in Float(2 * random.uniform() - 1) }
    noise = (0..<16).map { _ in Float(2 * random.uniform() - 1) }
  }

  /// Residuals, the input's gradient and every parameter's, of r·r/2; 1e-4 is Float32 through Winograd's
  /// filtering, attention and sums over rows.
  @Test func denoisersAreThoseOfPicturesWithEqualRows() throws {
    var wide = Self.unet
    wide.dimensions = 2
    let flat = EDMDenoiser(
      try UNet(Self.unet, parameter: ResNetTests.parameters), isUnconditional: true)
    let square = EDMDenoiser(try UNet(wide, parameter: Self.picture), isUnconditional: true)
    #expect(flat.shape == ImageShape(channels: 2, height: 1, width: 8))
    for label in [nil, 2] {
      func evaluate(
        _ denoiser: EDMDenoiser, _ image: [Float], _ noise: [Float], share: Float
      ) throws -> (residual: [Float], gradient: [Float], parameters: [String: [Float]]) {
        let session = EDMDenoiser.Session(denoiser)
        var (residual, gradient) = (image, image)
        var output = residual.mutableSpan
        session.residuals(
          image: image.span, noise: noise.span, sigma: 0.6, labels: [label], into: &output)
        var pulled = gradient.mutableSpan
        let sums = denoiser.network.makeGradients()
        session.gradient(
          image: image.span, noise: noise.span, sigma: 0.6, labels: [label], into: &pulled,
          adding: sums
        ) { _, r in
          for i in r.indices { r[i] *= share }
        }
        let named = try denoiser.network.export(sums, workers: WorkerPool(threads: 1))
        return (residual, gradient, named)
      }
      let a = try evaluate(flat, signal, noise, share: 1)
      // Of eight equal rows each counts an eighth.
      let b = try evaluate(square, rows(signal), rows(noise), share: 1.0 / 8)
      #expect(relativeError(rows(a.residual), b.residual) < 1e-5)
      #expect(relativeError(a.gradient, sums(b.gradient)) < 1e-4)
      #expect(a.parameters.count == b.parameters.count)
      for (name, values) in b.parameters {
        let own = try #require(a.parameters[Self.flat(name)], "\(name)")
        let filters = own.count / 3
        let isFilter = values.count == 3 * own.count
        let middle =
          isFilter ? (0..<filters).flatMap { values[$0 * 9 + 3..<$0 * 9 + 6] } : values
        let error = relativeError(own, middle)
        #expect(error < 1e-3 || middle.allSatisfy { abs($0) < 1e-6 }, "\(name) \(error)")
      }
    }
  }

  @Test func classifiersAreThoseOfPicturesWithEqualRows() throws {
    var wide = Self.resnet
    wide.dimensions = 2
    let pixels = signal.map { ($0 + 1) / 2 }
    func evaluate(_ network: ResNet, _ image: [Float]) -> ([Float], [Float]) {
      let session = ResNet.Session(network)
      var (logits, gradient) = ([Float](repeating: 0, count: 3), image)
      var output = logits.mutableSpan
      session.logits(of: image.span, into: &output, keepsForBackward: true)
      let cotangent: [Float] = [0.3, -1, 0.5]
      var pulled = gradient.mutableSpan
      session.pullback(of: cotangent.span, into: &pulled)
      return (logits, gradient)
    }
    let flat = try ResNet(Self.resnet, parameter: ResNetTests.parameters)
    let (a, ga) = evaluate(flat, pixels)
    let (b, gb) = evaluate(try ResNet(wide, parameter: Self.picture), rows(pixels))
    #expect(relativeError(a, b) < 1e-5)
    #expect(relativeError(ga, sums(gb)) < 1e-4)
    // And along a direction, by central differences.
    let h: Float = 1e-2
    let ends = [h, -h].map { h in
      zip(evaluate(flat, zip(pixels, noise).map { $0 + h * $1 }).0, [0.3, -1, 0.5])
        .reduce(0.0) { $0 + Double($1.0) * $1.1 }
    }
    let found = zip(ga, noise).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs((ends[0] - ends[1]) / Double(2 * h) - found) < 1e-2 * abs(found) + 1e-4)
  }

  /// Without metadata the shapes of the weights tell; with it, pictures' networks are written as ever.
  @Test func checkpointsSaySo() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("signals.safetensors")
    let tensors = Dictionary(
      uniqueKeysWithValues: Self.unet.parameterShapes.map { name, shape in
        (name, SafetensorsWriter.Tensor(shape: shape, values: ResNetTests.parameters(name, shape)))
      })
    let first = Self.unet.parameterShapes.first { $0.name == "model.enc.8_conv.weight" }
    #expect(first?.shape == [16, 2, 3])
    try SafetensorsWriter.write(tensors, to: path)
    let inferred = try Checkpoint(path: path)
    #expect(inferred.isInferred)
    #expect(try inferred.architecture(UNetArchitecture.self) == Self.unet)
    for network: any NetworkArchitecture in [Self.unet, Self.resnet] {
      try SafetensorsWriter.write(
        Dictionary(
          uniqueKeysWithValues: network.parameterShapes.map { name, shape in
            (
              name,
              SafetensorsWriter.Tensor(shape: shape, values: ResNetTests.parameters(name, shape))
            )
          }), metadata: ["architecture": try network.json], to: path)
      let checkpoint = try Checkpoint(path: path)
      #expect(try checkpoint.architecture.json == network.json && network.dimensions == 1)
      try checkpoint.check()
    }
    var wide = Self.unet
    wide.dimensions = 2
    #expect(try !wide.json.contains("dimensions"))
    wide.dimensions = 3
    #expect(wide.problem?.contains("dimensions 3") == true)
    #expect(Self.unet.floatingPointOperations < wide.floatingPointOperations)
  }
}
