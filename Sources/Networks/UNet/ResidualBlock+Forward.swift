import Layers
import TensorCore

extension ResidualBlock {
  /// What does not depend on the embedding: h before it is added, and the skip path.
  struct Start {
    /// The block's input.
    var input: FeatureMap
    fileprivate var norm0: GroupNorm.Cache
    fileprivate var h: FeatureMap
    fileprivate var skipped: FeatureMap
    fileprivate var activated0, skipInput: FeatureMap?

    /// The start of `images` images like its only one, for a forward pass that no `backward`
    /// follows.
    func repeated(_ images: Int, in arena: Arena) -> Start {
      var start = self
      start.input = input.repeated(images, in: arena)
      start.h = h.repeated(images, in: arena)
      start.skipped =
        skipped.base == input.base ? start.input : skipped.repeated(images, in: arena)
      return start
    }
  }

  /// Computes what embeddings share.
  ///
  /// - Parameters:
  ///   - x: `[N, H, W, inputs]`.
  ///   - biases: replace conv0's own, `[N, aligned(outputs)]`.
  ///   - target: a map for the skip path, where one has to be written; nil for a new one.
  ///   - retention: what `backward` will need.
  func begin(
    _ x: FeatureMap, biases: UnsafePointer<Float>? = nil, skippingInto target: FeatureMap? = nil,
    keeping retention: Retention, in arena: Arena
  ) -> Start {
    let h = makeOutput(for: x, in: arena)
    let (skipped, skipInput) = skipForward(x, into: target, keeping: retention, in: arena)
    let norm = norm0.makeCache(images: x.images, in: arena)
    let mark = arena.mark
    let activated0 = FeatureMap(like: h, channels: inputs, border: 1, in: arena)
    norm0.forward(x, into: activated0, cache: norm, in: arena)
    conv0.forward(activated0, into: h, biases: biases, in: arena)
    var start = Start(input: x, norm0: norm, h: h, skipped: skipped)
    if retention == .forParameters {
      (start.activated0, start.skipInput) = (activated0, skipInput)
    } else {
      arena.release(to: mark)
    }
    return start
  }

  /// - Parameters:
  ///   - x: `[N, H, W, inputs]`.
  ///   - embeddings: SiLU'd noise embeddings, `[N, embedding]`, of a block that has them.
  ///   - y: receives `[N, H', W', outputs]`, no border; not `x`.
  ///   - retention: what `backward` will need; all other scratch memory is given back.
  func forward(
    _ x: FeatureMap, embeddings: UnsafePointer<Float>? = nil, into y: FeatureMap,
    keeping retention: Retention, in arena: Arena
  ) -> Cache {
    let mark = arena.mark
    defer { if retention == .nothing { arena.release(to: mark) } }
    let biases = embeddings.flatMap { shifts($0, images: x.images, in: arena) }
    if let biases {
      for image in 0..<x.images {
        let bias = biases + image * aligned(outputs)
        for c in 0..<outputs { bias[c] += conv0.bias.base[c] }
      }
    }
    let z = makeSum(for: y, in: arena)
    let start = begin(x, biases: biases, skippingInto: z, keeping: retention, in: arena)
    return finish(
      start, h: start.h, embeddings: embeddings, sum: z, into: y, keeping: retention, in: arena)
  }

  /// `forward` of the block's input at `begin`; `y` and `embeddings` of as many images.
  func forward(
    from start: Start, embeddings: UnsafePointer<Float>, into y: FeatureMap,
    keeping retention: Retention, in arena: Arena
  ) -> Cache {
    let mark = arena.mark
    defer { if retention == .nothing { arena.release(to: mark) } }
    var h = start.h
    if let shifts = shifts(embeddings, images: y.images, in: arena) {
      h = FeatureMap(like: y, channels: outputs, in: arena)
      addToChannels(shifts, of: start.h, into: h)
    }
    return finish(
      start, h: h, embeddings: embeddings, sum: makeSum(for: y, in: arena), into: y,
      keeping: retention, in: arena)
  }

  /// A map for z: the output itself where no attention follows.
  private func makeSum(for y: FeatureMap, in arena: Arena) -> FeatureMap {
    attention == nil ? y : FeatureMap(like: y, channels: outputs, in: arena)
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
    _ start: Start, h: FeatureMap, embeddings: UnsafePointer<Float>?, sum z: FeatureMap,
    into y: FeatureMap, keeping retention: Retention, in arena: Arena
  ) -> Cache {
    func map(_ channels: Int, border: Int = 0) -> FeatureMap {
      FeatureMap(like: y, channels: channels, border: border, in: arena)
    }
    var cache = Cache(
      input: start.input, norm0: start.norm0, h: h,
      norm1: norm1.makeCache(images: y.images, in: arena), embeddings: embeddings)
    let mark = arena.mark
    let activated1 = map(outputs, border: 1)
    norm1.forward(h, into: activated1, cache: cache.norm1, in: arena)
    conv1.forward(activated1, into: z, addend: start.skipped, scale: Self.half, in: arena)
    if retention == .forParameters {
      cache.activated0 = start.activated0
      cache.activated1 = activated1
      cache.skipInput = start.skipInput
    } else {
      arena.release(to: mark)
    }
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

  /// skip(resample(x)), in `target` unless it is x itself, and the map the 1×1 convolution read; a
  /// 1×1 convolution commutes with nearest ×2, so it runs at the lower resolution.
  private func skipForward(
    _ x: FeatureMap, into target: FeatureMap?, keeping retention: Retention, in arena: Arena
  ) -> (FeatureMap, FeatureMap) {
    guard let skip else { return (x, x) }
    let out = target ?? makeOutput(for: x, in: arena)
    let mark = arena.mark
    switch sampling {
    case .keep:
      skip.forward(x, into: out, in: arena)
      return (out, x)
    case .up:
      let low = FeatureMap(like: x, channels: outputs, in: arena)
      skip.forward(x, into: low, in: arena)
      resample(low, into: out)
      arena.release(to: mark)
      return (out, x)
    case .down:
      let low = FeatureMap(like: out, channels: inputs, in: arena)
      resample(x, into: low)
      skip.forward(low, into: out, in: arena)
      if retention != .forParameters { arena.release(to: mark) }
      return (out, low)
    }
  }
}
