import Layers
import TensorCore

extension ResidualBlock {
  /// dx = (∂y/∂x)ᵀ dy; with `gradients`, adds the parameters' and the embedding's gradients.
  ///
  /// - Parameters:
  ///   - dy: `[N, H', W', outputs]`; overwritten.
  ///   - dx: receives `[N, H, W, inputs]`, no border.
  func backward(
    _ dy: FeatureMap, cache: Cache, into dx: FeatureMap, gradients: ParameterGradients?,
    in arena: Arena
  ) {
    precondition(
      gradients == nil || cache.activated0 != nil,
      "the parameters' gradients need a forward pass that was kept for them")
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
    if let gradients, let x = cache.activated1 {
      gradients.accumulate(conv1, slots.conv1, x: x, dy: g, in: arena)
    }
    let dh = map(outputs, border: 1)
    norm1.backward(
      dActivated1, x: cache.h, cache: cache.norm1, into: dh,
      gradients: gradients?.norm(slots.norm1), in: arena)
    let dActivated0 = map(inputs)
    conv0.backward(dh, into: dActivated0, in: arena)
    if let gradients, let x = cache.activated0 {
      gradients.accumulate(conv0, slots.conv0, x: x, dy: dh, in: arena)
      if let affine, let slot = slots.affine, let embeddings = cache.embeddings {
        gradients.accumulateEmbedding(affine, slot, x: embeddings, map: dh, in: arena)
      }
    }
    let dSkip = skipBackward(g, cache: cache, gradients: gradients, in: arena)
    var dNormed = dActivated0
    if sampling != .keep {
      dNormed = FeatureMap(like: cache.input, channels: inputs, in: arena)
      resampleBackward(dActivated0, into: dNormed)
    }
    norm0.backward(
      dNormed, x: cache.input, cache: cache.norm0, into: dx, addend: dSkip,
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
    // Gradient at the resolution where the 1×1 convolution ran.
    let read = sampling == .down ? g : cache.input
    let inner = FeatureMap(like: read, channels: outputs, in: arena)
    resampleBackward(g, into: inner)
    if let gradients, let x = cache.skipInput {
      gradients.accumulate(skip, slot, x: x, dy: inner, in: arena)
    }
    let dRead = FeatureMap(like: read, channels: inputs, in: arena)
    skip.backward(inner, into: dRead, in: arena)
    guard sampling == .down else { return dRead }
    let dx = FeatureMap(like: cache.input, channels: inputs, in: arena)
    resampleBackward(dRead, into: dx)
    return dx
  }
}
