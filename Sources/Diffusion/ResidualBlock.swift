import Layers
import TensorCore

/// One DDPM++ block: two normalised convolutions with the noise embedding between them, a skip
/// path, and self-attention where the resolution asks for it.
///
///     h = conv0(resample(SiLU(norm0(x)))) + affine(emb), without affine(emb) where there is none
///     z = (conv1(SiLU(norm1(h))) + skip(resample(x)))·√½
///     y = (proj(attention(norm2(z))) + z)·√½, or y = z
///
/// **Source** Karras et al. 2022 (arXiv 2206.00364), the DDPM++ network of table 1.
struct ResidualBlock: Sendable {
  /// How the block changes the resolution.
  enum Sampling { case keep, up, down }

  /// Input and output channels.
  let inputs: Int
  let outputs: Int
  let sampling: Sampling

  private let norm0: GroupNorm
  private let conv0: Convolution
  private let affine: Linear?
  private let norm1: GroupNorm
  private let conv1: Convolution
  private let skip: Convolution?
  private let attention: SelfAttention?
  private let slots: Slots

  private struct SelfAttention: Sendable {
    let norm: GroupNorm
    let qkv: Convolution
    let projection: Convolution
  }

  /// Where each parameter's gradient accumulates.
  private struct Slots: Sendable {
    let norm0, conv0, norm1, conv1: GradientLayout.Pair
    let affine, skip, norm2, qkv, projection: GradientLayout.Pair?
  }

  private static let half = Float(0.5).squareRoot()

  /// - Parameters:
  ///   - name: prefix of the parameters, as `model.enc.28x28_block0`.
  ///   - side: of the output map.
  ///   - embedding: length of the noise embedding; nil for a block without one.
  ///   - parameters: reads `[values]` by name and shape.
  ///   - layout: receives the places of the gradients.
  init(
    _ name: String, inputs: Int, outputs: Int, side: Int, embedding: Int? = nil,
    sampling: Sampling = .keep,
    attends: Bool = false, parameters: ParameterReader, layout: inout GradientLayout
  ) throws {
    self.inputs = inputs
    self.outputs = outputs
    self.sampling = sampling
    norm0 = try parameters.norm("\(name).norm0", inputs, activates: true)
    conv0 = try parameters.convolution("\(name).conv0", inputs, outputs, kernel: 3, side: side)
    affine = try embedding.map { try parameters.linear("\(name).affine", $0, outputs) }
    norm1 = try parameters.norm("\(name).norm1", outputs, activates: true)
    conv1 = try parameters.convolution("\(name).conv1", outputs, outputs, kernel: 3, side: side)
    skip =
      inputs != outputs || sampling != .keep
      ? try parameters.convolution("\(name).skip", inputs, outputs, kernel: 1, side: side) : nil
    attention =
      attends
      ? SelfAttention(
        norm: try parameters.norm("\(name).norm2", outputs, activates: false),
        qkv: try parameters.interleavedConvolution("\(name).qkv", outputs, blocks: 3, side: side),
        projection: try parameters.convolution(
          "\(name).proj", outputs, outputs, kernel: 1, side: side)) : nil
    slots = Slots(
      norm0: layout.add("\(name).norm0", norm0), conv0: layout.add("\(name).conv0", conv0),
      norm1: layout.add("\(name).norm1", norm1), conv1: layout.add("\(name).conv1", conv1),
      affine: affine.map { layout.add("\(name).affine", $0) },
      skip: skip.map { layout.add("\(name).skip", $0) },
      norm2: attention.map { layout.add("\(name).norm2", $0.norm) },
      qkv: attention.map { layout.add("\(name).qkv", $0.qkv, interleavedBlocks: 3) },
      projection: attention.map { layout.add("\(name).proj", $0.projection) })
  }

  /// Every convolution.
  var convolutions: [Convolution] {
    [conv0, conv1, skip, attention?.qkv, attention?.projection].compactMap(\.self)
  }

  /// What the backward pass needs.
  struct Cache {
    fileprivate var x: FeatureMap
    fileprivate var norm0: GroupNorm.Cache
    fileprivate var activated0: FeatureMap
    fileprivate var h: FeatureMap
    fileprivate var norm1: GroupNorm.Cache
    fileprivate var activated1: FeatureMap
    fileprivate var skipInput: FeatureMap
    fileprivate var attention: AttentionCache?
    fileprivate var embeddings: UnsafePointer<Float>?
    /// The block's input.
    var input: FeatureMap { x }
  }

  fileprivate struct AttentionCache {
    var z: FeatureMap
    var norm: GroupNorm.Cache
    var normalized: FeatureMap
    var qkv: FeatureMap
    var weights: Attention.Cache
    var attended: FeatureMap
  }

  /// Resolution of the output for an input of side `side`.
  func outputSide(_ side: Int) -> Int {
    switch sampling {
    case .keep: side
    case .up: side * 2
    case .down: side / 2
    }
  }

  /// A map for the output of an input like `x` in `arena`.
  func makeOutput(for x: FeatureMap, in arena: Arena) -> FeatureMap {
    FeatureMap(
      images: x.images, height: outputSide(x.height), width: outputSide(x.width),
      channels: outputs, in: arena)
  }

  /// What does not depend on the embedding: h before it is added, and the skip path.
  struct Start {
    fileprivate var x: FeatureMap
    fileprivate var norm0: GroupNorm.Cache
    fileprivate var activated0: FeatureMap
    fileprivate var h: FeatureMap
    fileprivate var skipped: FeatureMap
    fileprivate var skipInput: FeatureMap
    /// The block's input.
    var input: FeatureMap { x }

    /// The start of `images` images like its only one, for a forward pass that no `backward`
    /// follows.
    func repeated(_ images: Int, in arena: Arena) -> Start {
      var start = self
      start.x = x.repeated(images, in: arena)
      start.h = h.repeated(images, in: arena)
      start.skipped = skipped.base == x.base ? start.x : skipped.repeated(images, in: arena)
      return start
    }
  }

  /// Computes what embeddings share.
  ///
  /// - Parameters:
  ///   - x: `[N, H, W, inputs]`.
  ///   - biases: replace conv0's own, `[N, aligned(outputs)]`.
  ///   - keeps: whether `backward` follows.
  func begin(
    _ x: FeatureMap, biases: UnsafePointer<Float>? = nil, keeps: Bool, in arena: Arena
  ) -> Start {
    let h = makeOutput(for: x, in: arena)
    let (skipped, skipInput) = skipForward(x, like: h, in: arena)
    let mark = arena.mark
    defer { if !keeps { arena.release(to: mark) } }
    let activated0 = FeatureMap(like: h, channels: inputs, border: 1, in: arena)
    let norm = norm0.forward(x, into: activated0, in: arena)
    conv0.forward(activated0, into: h, biases: biases, in: arena)
    return Start(
      x: x, norm0: norm, activated0: activated0, h: h, skipped: skipped, skipInput: skipInput)
  }

  /// - Parameters:
  ///   - x: `[N, H, W, inputs]`.
  ///   - embeddings: SiLU'd noise embeddings, `[N, embedding]`, of a block that has them.
  ///   - y: receives `[N, H', W', outputs]`, no border.
  ///   - keeps: whether `backward` follows; otherwise all scratch memory is given back.
  func forward(
    _ x: FeatureMap, embeddings: UnsafePointer<Float>? = nil, into y: FeatureMap, keeps: Bool,
    in arena: Arena
  ) -> Cache {
    let mark = arena.mark
    defer { if !keeps { arena.release(to: mark) } }
    let biases = embeddings.flatMap { shifts($0, images: x.images, in: arena) }
    if let biases {
      for image in 0..<x.images {
        let bias = biases + image * aligned(outputs)
        for c in 0..<outputs { bias[c] += conv0.bias.base[c] }
      }
    }
    let start = begin(x, biases: biases, keeps: keeps, in: arena)
    return finish(start, h: start.h, embeddings: embeddings, into: y, in: arena)
  }

  /// `forward` of the block's input at `begin`; `y` and `embeddings` of as many images.
  func forward(
    from start: Start, embeddings: UnsafePointer<Float>, into y: FeatureMap, keeps: Bool,
    in arena: Arena
  ) -> Cache {
    let mark = arena.mark
    defer { if !keeps { arena.release(to: mark) } }
    var h = start.h
    if let shifts = shifts(embeddings, images: y.images, in: arena) {
      h = FeatureMap(like: y, channels: outputs, in: arena)
      addToChannels(shifts, of: start.h, into: h)
    }
    return finish(start, h: h, embeddings: embeddings, into: y, in: arena)
  }

  /// affine(emb) of each image, `[N, aligned(outputs)]`, of a block that has one.
  private func shifts(
    _ embeddings: UnsafePointer<Float>, images: Int, in arena: Arena
  ) -> UnsafeMutablePointer<Float>? {
    guard let affine else { return nil }
    let stride = aligned(outputs)
    let shifts = arena.take(images * stride)
    shifts.update(repeating: 0, count: images * stride)
    for image in 0..<images {
      affine.forward(embeddings + image * affine.inputs, into: shifts + image * stride)
    }
    return shifts
  }

  private func finish(
    _ start: Start, h: FeatureMap, embeddings: UnsafePointer<Float>?, into y: FeatureMap,
    in arena: Arena
  ) -> Cache {
    func map(_ channels: Int, border: Int = 0) -> FeatureMap {
      FeatureMap(like: y, channels: channels, border: border, in: arena)
    }
    let activated1 = map(outputs, border: 1)
    let statistics1 = norm1.forward(h, into: activated1, in: arena)
    let z = attention == nil ? y : map(outputs)
    conv1.forward(activated1, into: z, addend: start.skipped, scale: Self.half, in: arena)
    var cache = Cache(
      x: start.x, norm0: start.norm0, activated0: start.activated0, h: h, norm1: statistics1,
      activated1: activated1, skipInput: start.skipInput, attention: nil, embeddings: embeddings)
    if let attention {
      let normalized = map(outputs)
      let statistics = attention.norm.forward(z, into: normalized, in: arena)
      let qkv = map(3 * outputs)
      attention.qkv.forward(normalized, into: qkv, in: arena)
      let attended = map(outputs)
      let weights = Attention.forward(qkv, into: attended, in: arena)
      attention.projection.forward(attended, into: y, addend: z, scale: Self.half, in: arena)
      cache.attention = AttentionCache(
        z: z, norm: statistics, normalized: normalized, qkv: qkv, weights: weights,
        attended: attended)
    }
    return cache
  }

  /// skip(resample(x)) and the map the 1×1 convolution read; a 1×1 convolution commutes with
  /// nearest ×2, so it runs at the lower resolution.
  private func skipForward(
    _ x: FeatureMap, like y: FeatureMap, in arena: Arena
  ) -> (FeatureMap, FeatureMap) {
    guard let skip else { return (x, x) }
    let out = FeatureMap(like: y, channels: outputs, in: arena)
    switch sampling {
    case .keep:
      skip.forward(x, into: out, in: arena)
      return (out, x)
    case .up:
      let low = FeatureMap(like: x, channels: outputs, in: arena)
      skip.forward(x, into: low, in: arena)
      resample(low, into: out)
      return (out, x)
    case .down:
      let low = FeatureMap(like: y, channels: inputs, in: arena)
      resample(x, into: low)
      skip.forward(low, into: out, in: arena)
      return (out, low)
    }
  }

  /// dx = (∂y/∂x)ᵀ dy; with `gradients`, adds the parameters' and the embedding's gradients.
  ///
  /// - Parameters:
  ///   - dy: `[N, H', W', outputs]`; overwritten.
  ///   - dx: receives `[N, H, W, inputs]`, no border.
  func backward(
    _ dy: FeatureMap, cache: Cache, into dx: FeatureMap, gradients: ParameterGradients?,
    in arena: Arena
  ) {
    let mark = arena.mark
    defer { arena.release(to: mark) }
    func map(_ channels: Int, border: Int = 0) -> FeatureMap {
      FeatureMap(like: dy, channels: channels, border: border, in: arena)
    }
    attentionBackward(dy, cache: cache, gradients: gradients, in: arena)
    // g = √½·dz, bordered for the convolution's backward.
    let g = map(outputs, border: 1)
    scale(dy, by: Self.half, into: g)
    let dActivated1 = map(outputs)
    conv1.backward(g, into: dActivated1, in: arena)
    gradients?.accumulate(conv1, slots.conv1, x: cache.activated1, dy: g, in: arena)
    let dh = map(outputs, border: 1)
    norm1.backward(
      dActivated1, x: cache.h, cache: cache.norm1, into: dh,
      gradients: gradients?.norm(slots.norm1), in: arena)
    let dActivated0 = map(inputs)
    conv0.backward(dh, into: dActivated0, in: arena)
    if let gradients {
      gradients.accumulate(conv0, slots.conv0, x: cache.activated0, dy: dh, in: arena)
      if let affine, let slot = slots.affine, let embeddings = cache.embeddings {
        gradients.accumulateEmbedding(affine, slot, x: embeddings, map: dh, in: arena)
      }
    }
    let dSkip = skipBackward(g, cache: cache, gradients: gradients, in: arena)
    var dNormed = dActivated0
    if sampling != .keep {
      dNormed = FeatureMap(like: cache.x, channels: inputs, in: arena)
      resampleBackward(dActivated0, into: dNormed)
    }
    norm0.backward(
      dNormed, x: cache.x, cache: cache.norm0, into: dx, addend: dSkip,
      gradients: gradients?.norm(slots.norm0), in: arena)
  }

  /// Replaces dy by dz.
  private func attentionBackward(
    _ dy: FeatureMap, cache: Cache, gradients: ParameterGradients?, in arena: Arena
  ) {
    guard let attention, let kept = cache.attention, let norm2 = slots.norm2,
      let qkv = slots.qkv, let projection = slots.projection
    else { return }
    func map(_ channels: Int) -> FeatureMap {
      FeatureMap(like: dy, channels: channels, in: arena)
    }
    scale(dy, by: Self.half, into: dy)
    let dAttended = map(outputs)
    attention.projection.backward(dy, into: dAttended, in: arena)
    gradients?.accumulate(attention.projection, projection, x: kept.attended, dy: dy, in: arena)
    let dqkv = map(3 * outputs)
    Attention.backward(dAttended, qkv: kept.qkv, cache: kept.weights, into: dqkv, in: arena)
    let dNormalized = map(outputs)
    attention.qkv.backward(dqkv, into: dNormalized, in: arena)
    gradients?.accumulate(attention.qkv, qkv, x: kept.normalized, dy: dqkv, in: arena)
    attention.norm.backward(
      dNormalized, x: kept.z, cache: kept.norm, into: dy, addend: dy,
      gradients: gradients?.norm(norm2), in: arena)
  }

  private func skipBackward(
    _ g: FeatureMap, cache: Cache, gradients: ParameterGradients?, in arena: Arena
  ) -> FeatureMap {
    guard let skip, let slot = slots.skip else { return g }
    let (x, read) = (cache.x, cache.skipInput)
    // Gradient at the resolution where the 1×1 convolution ran.
    let inner = FeatureMap(like: read, channels: outputs, in: arena)
    resampleBackward(g, into: inner)
    gradients?.accumulate(skip, slot, x: read, dy: inner, in: arena)
    let dRead = FeatureMap(like: read, channels: inputs, in: arena)
    skip.backward(inner, into: dRead, in: arena)
    guard sampling == .down else { return dRead }
    let dx = FeatureMap(like: x, channels: inputs, in: arena)
    resampleBackward(dRead, into: dx)
    return dx
  }
}
