import Basics
import Layers
import TensorCore

/// A pre-activation ResNet that classifies images.
///
/// One image a call on one thread: the result depends on nothing else. Pixels in [0, 1] are brought
/// to [−1, 1] inside.
///
/// **Source** He et al. 2016 (arXiv 1603.05027), with group norm and SiLU in the places of batch
/// norm and ReLU.
public final class ResNet: DifferentiableNetwork {
  /// Sizes and layout.
  public let architecture: ResNetArchitecture

  private let input: Convolution
  private let blocks: [ResidualBlock]
  private let norm: GroupNorm
  private let output: Linear
  package let layout: GradientLayout
  private let slots: Slots

  private struct Slots: Sendable {
    let input, norm, output: GradientLayout.Pair
  }

  /// Builds the network.
  ///
  /// - Parameters:
  ///   - precision: of the products of its convolutions.
  ///   - parameter: the values of a named parameter, row-major in the shape given.
  /// - Throws: what `parameter` throws.
  public init(
    _ architecture: ResNetArchitecture, precision: Precision = .fp32,
    parameter: @escaping (_ name: String, _ shape: [Int]) throws -> [Float]
  ) throws {
    self.architecture = architecture
    let reader = ParameterReader(
      read: parameter, dimensions: architecture.dimensions, precision: precision)
    var layout = GradientLayout()
    input = try reader.convolution(
      ResNetArchitecture.input, architecture.channels, architecture.width, kernel: 3,
      side: architecture.resolution, inputStride: architecture.channels)
    blocks = try architecture.steps.map { step in
      try ResidualBlock(
        step.name, inputs: step.inputs, outputs: step.outputs, side: step.resolution,
        sampling: step.sampling, parameters: reader, layout: &layout)
    }
    norm = try reader.norm(ResNetArchitecture.norm, architecture.features, activates: true)
    output = try reader.linear(
      ResNetArchitecture.output, architecture.features, architecture.classes)
    slots = Slots(
      input: layout.add(ResNetArchitecture.input, input),
      norm: layout.add(ResNetArchitecture.norm, norm),
      output: layout.add(ResNetArchitecture.output, output))
    self.layout = layout
  }

  /// Size of the images.
  public var shape: ImageShape { architecture.shape }

  package func makeGradients() -> ParameterGradients {
    ParameterGradients(count: layout.count, embedding: 0)
  }

  package var convolutions: [Convolution] {
    [input] + blocks.flatMap(\.convolutions)
  }

  /// What the backward pass needs; valid until the arena is released past it.
  struct Cache {
    fileprivate var x: FeatureMap
    /// Output of the first convolution, then of every block.
    fileprivate var maps: [FeatureMap]
    fileprivate var blocks: [ResidualBlock.Cache]
    fileprivate var norm: GroupNorm.Cache
    /// Mean over the pixels of the activated last map, `[features]`.
    fileprivate var pooled: UnsafeMutablePointer<Float>
    /// `[classes]`.
    var logits: UnsafeMutablePointer<Float>
  }

  /// A map for the network's input in `arena`.
  func makeInput(in arena: Arena) -> FeatureMap {
    FeatureMap(
      height: architecture.shape.height, width: architecture.resolution,
      channels: architecture.channels, border: 1, stride: architecture.channels, in: arena)
  }

  /// - Parameters:
  ///   - x: image in [−1, 1] units from `makeInput`.
  ///   - retention: what `backward` will need.
  func forward(_ x: FeatureMap, keeping retention: Retention, in arena: Arena) -> Cache {
    let first = FeatureMap(
      height: x.height, width: x.width, channels: architecture.width, in: arena)
    input.forward(x, into: first, in: arena)
    var last = first
    var maps = [first]
    var caches: [ResidualBlock.Cache] = []
    maps.reserveCapacity(blocks.count + 1)
    caches.reserveCapacity(blocks.count)
    for block in blocks {
      let y = block.makeOutput(for: last, in: arena)
      caches.append(block.forward(last, into: y, keeping: retention, in: arena))
      maps.append(y)
      last = y
    }
    let activated = FeatureMap(
      height: last.height, width: last.width, channels: last.channels, in: arena)
    let statistics = norm.forward(last, into: activated, in: arena)
    let pooled = arena.take(last.stride)
    pooled.update(repeating: 0, count: last.stride)
    addChannelSums(of: activated, to: pooled)
    let share = 1 / Float(last.pixels)
    for c in 0..<last.stride { pooled[c] *= share }
    let logits = arena.take(architecture.classes)
    output.forward(pooled, into: logits)
    return Cache(
      x: x, maps: maps, blocks: caches, norm: statistics, pooled: pooled, logits: logits)
  }

  /// With `gradients`, adds those of all parameters.
  ///
  /// - Parameters:
  ///   - dy: gradient of the logits, `[classes]`.
  ///   - wantsInput: whether the gradient of the input is wanted.
  /// - Returns: that gradient in [−1, 1] units, `[H, W, C]`; nil where it is not wanted.
  func backward(
    _ dy: UnsafePointer<Float>, cache: Cache, gradients: ParameterGradients?, wantsInput: Bool,
    in arena: Arena
  ) -> FeatureMap? {
    func like(_ map: FeatureMap, border: Int = 0) -> FeatureMap {
      FeatureMap(
        height: map.height, width: map.width, channels: map.channels, border: border, in: arena)
    }
    let last = cache.maps[blocks.count]
    let dPooled = arena.take(last.stride)
    dPooled.update(repeating: 0, count: last.stride)
    output.backward(dy, into: dPooled)
    if let gradients {
      output.accumulate(
        weight: gradients.pointer(slots.output.weight), bias: gradients.pointer(slots.output.bias),
        x: cache.pooled, dy: dy)
    }
    let share = 1 / Float(last.pixels)
    for c in 0..<last.stride { dPooled[c] *= share }
    let dActivated = like(last)
    for y in 0..<last.height {
      for x in 0..<last.width {
        (dActivated.row(y) + x * last.stride).update(from: dPooled, count: last.stride)
      }
    }
    var current = like(last)
    norm.backward(
      dActivated, x: last, cache: cache.norm, into: current,
      gradients: gradients?.norm(slots.norm), in: arena)
    for (index, block) in blocks.enumerated().reversed() {
      // The first convolution's backward pass reads across the border.
      let dx = like(cache.maps[index], border: index == 0 ? 1 : 0)
      block.backward(current, cache: cache.blocks[index], into: dx, gradients: gradients, in: arena)
      current = dx
    }
    gradients?.accumulate(input, slots.input, x: cache.x, dy: current, in: arena)
    guard wantsInput else { return nil }
    let dInput = FeatureMap(
      height: cache.x.height, width: cache.x.width, channels: architecture.channels, in: arena)
    input.backward(current, into: dInput, in: arena)
    return dInput
  }
}
