import Layers
import TensorCore

/// Places of all parameters' gradients in one flat buffer, in each layer's own memory order.
package struct GradientLayout: Sendable {
  /// Offsets of a layer's weight and bias.
  struct Pair: Sendable {
    let weight: Int
    let bias: Int
  }

  /// One parameter.
  struct Entry: Sendable {
    let name: String
    let offset: Int
    /// Reads the checkpoint's order from the accumulated gradient.
    let export: @Sendable (UnsafePointer<Float>) -> [Float]
  }

  private(set) var count = 0
  private(set) var entries: [Entry] = []

  mutating func add(
    _ name: String, _ layer: Convolution, interleavedBlocks: Int? = nil
  ) -> Pair {
    let regroup: @Sendable ([Float]) -> [Float] = { values in
      guard let blocks = interleavedBlocks else { return values }
      return interleave(values, blocks: blocks, rows: layer.outputs / blocks)
    }
    let weight = take("\(name).weight", layer.weightGradientCount) {
      regroup(layer.weightGradient($0))
    }
    let bias = take("\(name).bias", aligned(layer.outputs)) {
      regroup(Array(UnsafeBufferPointer(start: $0, count: layer.outputs)))
    }
    return Pair(weight: weight, bias: bias)
  }

  mutating func add(_ name: String, _ layer: GroupNorm) -> Pair {
    Pair(
      weight: take("\(name).weight", padded: layer.channels),
      bias: take("\(name).bias", padded: layer.channels))
  }

  mutating func add(_ name: String, _ layer: Linear) -> Pair {
    Pair(
      weight: take("\(name).weight", padded: layer.inputs * layer.outputs),
      bias: take("\(name).bias", padded: layer.outputs))
  }

  private mutating func take(_ name: String, padded count: Int) -> Int {
    take(name, aligned(count)) { Array(UnsafeBufferPointer(start: $0, count: count)) }
  }

  private mutating func take(
    _ name: String, _ count: Int, _ export: @escaping @Sendable (UnsafePointer<Float>) -> [Float]
  ) -> Int {
    entries.append(Entry(name: name, offset: self.count, export: export))
    defer { self.count += count }
    return self.count
  }
}

/// Gradients of all parameters, summed over the evaluations that were differentiated into it, in
/// each layer's own form; a network's `export` gives them the checkpoint's.
///
/// Written by one thread at a time.
package final class ParameterGradients: @unchecked Sendable {
  private let buffer: AlignedBuffer
  private let embedding: Int
  private var embeddingBuffer: AlignedBuffer

  init(count: Int, embedding: Int) {
    buffer = AlignedBuffer(count: count)
    self.embedding = embedding
    embeddingBuffer = AlignedBuffer(count: embedding)
  }

  /// Gradients of the SiLU'd noise embeddings of the evaluations in progress, `[N, 4·width]`.
  var embeddings: UnsafeMutablePointer<Float> { embeddingBuffer.base }

  /// Sets `embeddings` to zero for `images` evaluations.
  func begin(images: Int) {
    if embeddingBuffer.count < images * embedding {
      embeddingBuffer = AlignedBuffer(count: images * embedding)
    }
    embeddings.update(repeating: 0, count: images * embedding)
  }

  /// Sets every gradient to zero.
  package func reset() { buffer.base.update(repeating: 0, count: buffer.count) }

  /// Number of floats, in the layers' own forms.
  package var count: Int { buffer.count }

  /// Adds a range of `other`, of the same architecture.
  package func add(_ other: ParameterGradients, in range: Range<Int>) {
    precondition(other.count == count, "\(other.count) gradients added to \(count)")
    let (target, source) = (buffer.base, other.buffer.base)
    for i in range { target[i] += source[i] }
  }

  func pointer(_ offset: Int) -> UnsafeMutablePointer<Float> { buffer.base + offset }

  func accumulate(
    _ layer: Convolution, _ slot: GradientLayout.Pair, x: FeatureMap, dy: FeatureMap,
    in arena: Arena
  ) {
    layer.accumulate(
      weight: pointer(slot.weight), bias: pointer(slot.bias), x: x, dy: dy, in: arena)
  }

  func norm(
    _ slot: GradientLayout.Pair
  ) -> (weight: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>) {
    (pointer(slot.weight), pointer(slot.bias))
  }

  /// The gradients of `affine`, whose outputs are added to every pixel of each image's map, and of
  /// the embeddings it reads, `[N, 4·width]`.
  func accumulateEmbedding(
    _ affine: Linear, _ slot: GradientLayout.Pair, x: UnsafePointer<Float>, map: FeatureMap,
    in arena: Arena
  ) {
    let sums = arena.take(map.stride)
    for image in 0..<map.images {
      sums.update(repeating: 0, count: map.stride)
      addChannelSums(of: map[image], to: sums)
      affine.accumulate(
        weight: pointer(slot.weight), bias: pointer(slot.bias), x: x + image * embedding, dy: sums)
      affine.backward(sums, into: embeddings + image * embedding)
    }
  }
}
