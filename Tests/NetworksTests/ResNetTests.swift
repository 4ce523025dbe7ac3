import Foundation
import Networks
import TensorCore
import Testing

@Suite struct ResNetTests {
  /// Every width is its own, colours and classes are odd, one block changes no channels.
  static let architecture = ResNetArchitecture(
    resolution: 12, channels: 3, classes: 5, width: 16, multipliers: [1, 2], blocks: 2)

  /// Random weights, each tensor's drawn from its name.
  static func parameters(_ name: String, _ shape: [Int]) -> [Float] {
    let seed = name.utf8.reduce(UInt32(7)) { ($0 &* 31) &+ UInt32($1) }
    var random = RandomStream(key: SIMD2(seed, 1), counter: SIMD3(0, 0, 0))
    let inputs = shape.dropFirst().reduce(1, *)
    let isScale = name.contains("norm") && name.hasSuffix("weight")
    let width = shape.count > 1 ? 1.5 / Double(inputs).squareRoot() : 0.3
    return (0..<shape.reduce(1, *)).map { _ in
      Float((isScale ? 1 : 0) + width * (2 * random.uniform() - 1))
    }
  }

  private static func network(
    _ change: (String, Int, Float)? = nil
  ) throws -> ResNet {
    try ResNet(architecture) { name, shape in
      var values = parameters(name, shape)
      if let change, change.0 == name { values[change.1] += change.2 }
      return values
    }
  }

  private let image: [Float]
  private let cotangent: [Float] = [0.3, -1, 0.5, 0.1, -0.4]

  init() {
    var random = RandomStream(key: SIMD2(3, 4), counter: SIMD3(5, 6, 7))
    image = (0..<432).map { _ in Float(random.uniform()) }
  }

  private func logits(_ network: ResNet, _ image: [Float]) -> [Float] {
    var logits = [Float](repeating: 0, count: 5)
    var output = logits.mutableSpan
    ResNet.Session(network).logits(of: image.span, into: &output, keepsForBackward: false)
    return logits
  }

  private func value(_ network: ResNet, _ image: [Float]) -> Double {
    zip(logits(network, image), cotangent).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  /// Logits against the definition in Double; 1e-5 is Float32 rounding through Winograd's filtering.
  @Test func logitsMatchTheDefinition() throws {
    let expected = NaiveResNet(Self.architecture, Self.parameters).logits(image)
    let found = logits(try Self.network(), image).map(Double.init)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-5 * (1 + abs(b))) }
    #expect(Set(expected.map { ($0 * 100).rounded() }).count == 5)
  }

  /// The derivative along random directions by central differences; Float32 rounding leaves about
  /// 1e-3 of it.
  @Test func inputGradientsMatchDifferences() throws {
    let network = try Self.network()
    let session = ResNet.Session(network)
    var (z, gradient) = ([Float](repeating: 0, count: 5), [Float](repeating: 0, count: 432))
    var output = z.mutableSpan
    session.logits(of: image.span, into: &output, keepsForBackward: true)
    var pulled = gradient.mutableSpan
    session.pullback(of: cotangent.span, into: &pulled)
    #expect(z == logits(network, image))
    var random = RandomStream(key: SIMD2(8, 8), counter: SIMD3(0, 0, 0))
    for _ in 0..<3 {
      let direction = gradient.map { $0.sign == .minus ? -1 : 1 * Float(random.uniform()) }
      let h: Float = 2e-3
      let ends = [h, -h].map { h in
        value(network, zip(image, direction).map { $0 + h * $1 })
      }
      let found = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs((ends[0] - ends[1]) / Double(2 * h) - found) < 5e-3 * abs(found))
    }
  }

  /// Every tensor's largest gradient, by central differences.
  @Test func parameterGradientsMatchDifferences() throws {
    let network = try Self.network()
    let session = ResNet.Session(network)
    let gradients = network.makeGradients()
    var z = [Float](repeating: 0, count: 5)
    var output = z.mutableSpan
    session.logits(of: image.span, into: &output, keepsForBackward: true)
    session.accumulate(cotangent.span, into: gradients)
    let named = try network.export(gradients, workers: WorkerPool(threads: 2))
    #expect(Set(named.keys) == Set(Self.architecture.parameterShapes.map(\.name)))
    for (name, values) in named {
      let index = values.indices.max { values[$0].magnitude < values[$1].magnitude } ?? 0
      let h: Float = 1e-2
      let ends = try [h, -h].map { value(try Self.network((name, index, $0)), image) }
      let found = Double(values[index])
      #expect(
        abs((ends[0] - ends[1]) / Double(2 * h) - found) < 2e-2 * abs(found) + 1e-4, "\(name)")
    }
  }

  /// The default for 28×28 images costs about 11 MFLOP.
  @Test func costsAreCounted() {
    let small = ResNetArchitecture(
      resolution: 28, channels: 1, classes: 10, width: 16, multipliers: [2, 4], blocks: 1)
    #expect((10_500_000...12_000_000).contains(small.floatingPointOperations))
    #expect(small.problem == nil && Self.architecture.problem == nil)
    var odd = small
    odd.multipliers = [2, 4, 8]
    #expect(odd.problem?.contains("remainder") == true)
  }

  /// Sizes that nobody has are refused before anything is made of them.
  @Test(arguments: [0, -1, 1 << 20, 1 << 62, .max, .min])
  func impossibleSizesAreNamed(size: Int) throws {
    let sound = Self.architecture
    let changes: [(String, WritableKeyPath<ResNetArchitecture, Int>)] = [
      ("resolution", \.resolution), ("channels", \.channels), ("classes", \.classes),
      ("width", \.width), ("blocks", \.blocks),
    ]
    for (name, path) in changes {
      var absurd = sound
      absurd[keyPath: path] = size
      #expect(absurd.problem?.contains("\(name) \(size), expected") == true, "\(name)")
    }
    var absurd = sound
    absurd.multipliers = [size]
    #expect(absurd.problem?.contains("multipliers \(size)") == true)
    absurd.multipliers = Array(repeating: 1, count: 100_000)
    #expect(absurd.problem?.contains("100000 multipliers, expected 1 to 8") == true)
    var unet = UNetArchitecture(
      resolution: 28, channels: 1, classes: 10, width: 16, multipliers: [1, 2], blocks: 1,
      attentionResolutions: [7])
    #expect(unet.problem == nil)
    unet.blocks = size
    #expect(unet.problem?.contains("blocks \(size)") == true)
    // Within every bound, and still more than a machine holds.
    (unet.blocks, unet.width, unet.multipliers) = (64, 4096, [64, 64])
    #expect(unet.problem?.contains("parameters, expected at most") == true)
  }
}
