import Basics
import Layers
import TensorCore

/// The class-conditional U-Net F(x; c_noise, y) of the EDM denoiser, DDPM++ layout.
///
/// Some images a call on one thread; each image's result depends on nothing else. Parameter names are
/// those of the public EDM checkpoints.
///
/// **Source** Karras et al. 2022 (arXiv 2206.00364), table 1 and appendix C.
package final class UNet: DifferentiableNetwork {
  /// Sizes and layout.
  package let architecture: UNetArchitecture
  /// Of the products of its convolutions.
  package let precision: Precision

  private let embedding: NoiseEmbedding
  private let input: Convolution
  private let encoder: [ResidualBlock]
  private let decoder: [(block: ResidualBlock, takesSkip: Bool)]
  private let outputNorm: GroupNorm
  private let output: Convolution
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
  package init(
    _ architecture: UNetArchitecture, precision: Precision = .fp32,
    parameter: @escaping (_ name: String, _ shape: [Int]) throws -> [Float]
  ) throws {
    self.architecture = architecture
    let plan = UNetPlan(architecture)
    let reader = ParameterReader(
      read: parameter, dimensions: architecture.dimensions, precision: precision)
    self.precision = reader.precision
    var layout = GradientLayout()
    embedding = try NoiseEmbedding(
      width: architecture.width, classes: architecture.labelInputs, parameters: reader,
      layout: &layout)
    input = try reader.convolution(
      plan.input, architecture.channels, architecture.width, kernel: 3,
      side: architecture.resolution, inputStride: architecture.channels)
    func build(_ step: UNetPlan.Step) throws -> ResidualBlock {
      try ResidualBlock(
        step.name, inputs: step.inputs, outputs: step.outputs, side: step.resolution,
        embedding: 4 * architecture.width,
        sampling: step.sampling, attends: step.attends, parameters: reader, layout: &layout)
    }
    encoder = try plan.encoder.map(build)
    decoder = try plan.decoder.map { (block: try build($0), takesSkip: $0.takesSkip) }
    outputNorm = try reader.norm(plan.outputNorm, plan.outputChannels, activates: true)
    output = try reader.convolution(
      plan.output, plan.outputChannels, architecture.outputChannels, kernel: 3,
      side: architecture.resolution)
    slots = Slots(
      input: layout.add(plan.input, input), norm: layout.add(plan.outputNorm, outputNorm),
      output: layout.add(plan.output, output))
    self.layout = layout
  }

  package func makeGradients() -> ParameterGradients {
    ParameterGradients(count: layout.count, embedding: 4 * architecture.width)
  }

  package var convolutions: [Convolution] {
    [input, output] + (encoder + decoder.map(\.block)).flatMap(\.convolutions)
  }

  /// What the backward pass needs; valid until the arena is released past it.
  struct Cache {
    fileprivate var x: FeatureMap
    fileprivate var embedding: NoiseEmbedding.Cache
    fileprivate var encoded: [FeatureMap]
    fileprivate var encoder: [ResidualBlock.Cache]
    fileprivate var decoder: [ResidualBlock.Cache]
    fileprivate var decoded: FeatureMap
    fileprivate var norm: GroupNorm.Cache
    fileprivate var activated: FeatureMap
    /// F, `[N, H, W, heads·C]`.
    var output: FeatureMap
  }

  /// A map for the network's input in `arena`.
  func makeInput(images: Int, in arena: Arena) -> FeatureMap {
    FeatureMap(
      images: images, height: architecture.shape.height, width: architecture.resolution,
      channels: architecture.channels, border: 1, stride: architecture.channels, in: arena)
  }

  /// A zeroed map for the gradient of F in `arena`, as `backward` takes it.
  func makeOutputGradient(images: Int, in arena: Arena) -> FeatureMap {
    let dy = FeatureMap(
      images: images, height: architecture.shape.height, width: architecture.resolution,
      channels: architecture.outputChannels, border: 1, in: arena)
    dy.clear()
    return dy
  }

  /// What comes before noise level and class come in: the input convolution and the first block's.
  struct Trunk {
    fileprivate var x: FeatureMap
    fileprivate var block: ResidualBlock.Start
  }

  /// Computes what labels share.
  ///
  /// - Parameters:
  ///   - x: preconditioned input from `makeInput`.
  ///   - retention: what `backward` will need.
  func begin(_ x: FeatureMap, keeping retention: Retention, in arena: Arena) -> Trunk {
    let first = FeatureMap(like: x, channels: architecture.width, in: arena)
    input.forward(x, into: first, in: arena)
    return Trunk(x: x, block: encoder[0].begin(first, keeping: retention, in: arena))
  }

  /// - Parameters:
  ///   - trunk: from `begin`, with the same retention.
  ///   - conditions: noise level and class of each image; any number for a trunk of one image that
  ///     is not kept.
  ///   - retention: what `backward` will need.
  func forward(
    _ trunk: Trunk, conditions: [NoiseEmbedding.Condition], keeping retention: Retention,
    in arena: Arena
  ) -> Cache {
    let (images, given) = (conditions.count, trunk.x.images)
    precondition(
      images == given || given == 1 && retention == .nothing,
      "\(images) conditions for \(given) images")
    let start = images == given ? trunk.block : trunk.block.repeated(images, in: arena)
    let embedded = embedding.forward(conditions, in: arena)
    let vectors = UnsafePointer(embedded.embeddings)
    var encoded = [start.input]
    encoded.reserveCapacity(encoder.count + 1)
    var encoderCaches: [ResidualBlock.Cache] = []
    var decoderCaches: [ResidualBlock.Cache] = []
    var current = start.input
    for (index, block) in encoder.enumerated() {
      let y = block.makeOutput(for: current, in: arena)
      let cache =
        index == 0
        ? block.forward(
          from: start, embeddings: vectors, into: y, keeping: retention, in: arena)
        : block.forward(current, embeddings: vectors, into: y, keeping: retention, in: arena)
      encoded.append(y)
      current = y
      if retention != .nothing { encoderCaches.append(cache) }
    }
    var next = encoded.count
    for (block, takesSkip) in decoder {
      // Once it is copied, the running map takes the block's output, unless it is needed again.
      let isFree = takesSkip && retention == .nothing && current.channels == block.outputs
      let y = isFree ? current : block.makeOutput(for: current, in: arena)
      let mark = arena.mark
      if takesSkip {
        next -= 1
        let joined = FeatureMap(like: current, channels: block.inputs, in: arena)
        concatenate(current, encoded[next], into: joined)
        current = joined
      }
      let cache = block.forward(
        current, embeddings: vectors, into: y, keeping: retention, in: arena)
      current = y
      if retention == .nothing { arena.release(to: mark) } else { decoderCaches.append(cache) }
    }
    let activated = FeatureMap(like: current, channels: current.channels, border: 1, in: arena)
    let norm = outputNorm.forward(current, into: activated, in: arena)
    let out = FeatureMap(like: current, channels: architecture.outputChannels, in: arena)
    output.forward(activated, into: out, in: arena)
    return Cache(
      x: trunk.x, embedding: embedded, encoded: encoded, encoder: encoderCaches,
      decoder: decoderCaches, decoded: current, norm: norm, activated: activated, output: out)
  }

  /// The gradient to the output of the first convolution, and with `gradients` those of all
  /// parameters.
  ///
  /// - Parameter dy: gradient of F, from `makeOutputGradient`; all heads.
  /// - Returns: what `inputGradient` takes.
  func backward(
    _ dy: FeatureMap, cache: Cache, gradients: ParameterGradients?, in arena: Arena
  ) -> FeatureMap {
    if let gradients {
      gradients.begin(images: dy.images)
      gradients.accumulate(output, slots.output, x: cache.activated, dy: dy, in: arena)
    }
    func like(_ map: FeatureMap, border: Int = 0) -> FeatureMap {
      FeatureMap(like: map, channels: map.channels, border: border, in: arena)
    }
    // Gradient of every encoder output: the decoder's skips add to it, then the next block.
    let dEncoded = cache.encoded.map { map in
      let zeros = like(map, border: 1)
      zeros.clear()
      return zeros
    }
    let dActivated = like(cache.decoded)
    output.backward(dy, into: dActivated, in: arena)
    var current = like(cache.decoded)
    outputNorm.backward(
      dActivated, x: cache.decoded, cache: cache.norm, into: current,
      gradients: gradients?.norm(slots.norm), in: arena)
    var next = dEncoded.count - decoder.count(where: \.takesSkip)
    for (index, (block, takesSkip)) in decoder.enumerated().reversed() {
      let kept = cache.decoder[index]
      guard takesSkip else {
        let dx = like(kept.input)
        block.backward(current, cache: kept, into: dx, gradients: gradients, in: arena)
        current = dx
        continue
      }
      let skip = dEncoded[next]
      next += 1
      let first = FeatureMap(
        like: kept.input, channels: block.inputs - skip.channels, in: arena)
      let mark = arena.mark
      let joined = like(kept.input)
      block.backward(current, cache: kept, into: joined, gradients: gradients, in: arena)
      concatenateBackward(joined, into: first, adding: skip)
      arena.release(to: mark)
      current = first
    }
    add(current, to: dEncoded[dEncoded.count - 1])
    for (index, block) in encoder.enumerated().reversed() {
      let mark = arena.mark
      let kept = cache.encoder[index]
      let dx = like(kept.input)
      block.backward(
        dEncoded[index + 1], cache: kept, into: dx, gradients: gradients, in: arena)
      add(dx, to: dEncoded[index])
      arena.release(to: mark)
    }
    gradients?.accumulate(input, slots.input, x: cache.x, dy: dEncoded[0], in: arena)
    if let gradients { embedding.backward(cache.embedding, gradients: gradients, in: arena) }
    return dEncoded[0]
  }

  /// The gradient of the preconditioned input, `[N, H, W, C]`, from what `backward` returned.
  func inputGradient(_ first: FeatureMap, in arena: Arena) -> FeatureMap {
    let dx = FeatureMap(like: first, channels: architecture.channels, in: arena)
    input.backward(first, into: dx, in: arena)
    return dx
  }
}
