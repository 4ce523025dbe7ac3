import Layers
import TensorCore

extension EDMDenoiser {
  /// One evaluation r = D(x + σε; σ, y) − x.
  public struct Query: Sendable {
    /// x, `[C·H·W]`, [−1, 1] units.
    public var image: [Float]
    /// ε, `[C·H·W]`.
    public var noise: [Float]
    /// σ, > 0.
    public var sigma: Float
    /// Class, nil for the unconditional denoiser.
    public var label: Int?

    /// The evaluation as given.
    public init(image: [Float], noise: [Float], sigma: Float, label: Int?) {
      self.image = image
      self.noise = noise
      self.sigma = sigma
      self.label = label
    }
  }
}

/// Unrelated evaluations in groups: the weights of the small maps' layers, more than the caches
/// hold, are read once a group. A result is the same, to the last bit, in any group.
extension EDMDenoiser.Session {
  /// Evaluations a group: more gain little, and what they hold should not fill the memory.
  func groupSize(keeps: Bool) -> Int {
    let floats = denoiser.network.architecture.scratchCount(keeps: keeps)
    return max(1, min(8, Self.groupBytes / (floats * MemoryLayout<Float>.stride)))
  }

  private static var groupBytes: Int { 64 << 20 }

  /// The residual of each query, given to `body` with its index, in order.
  public func evaluate(
    _ queries: [EDMDenoiser.Query], _ body: (_ index: Int, _ residual: Span<Float>) -> Void
  ) {
    forEachGroup(queries, keeps: false) { group in
      let cache = forward(queries, group, keeps: false)
      let residual = makeImage()
      for (i, index) in group.enumerated() {
        read(cache.output[i], of: queries[index], into: residual)
        body(index, residual.span)
      }
    }
  }

  /// The gradient of each query, (∂r/∂x)ᵀ v with ε held fixed.
  ///
  /// - Parameters:
  ///   - cotangent: called once for each query in order, with its index and r, which it replaces by
  ///     v.
  ///   - body: called with the gradient of each query in order, with its index.
  public func differentiate(
    _ queries: [EDMDenoiser.Query],
    cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void,
    _ body: (_ index: Int, _ gradient: Span<Float>) -> Void
  ) {
    let network = denoiser.network
    forEachGroup(queries, keeps: true) { group in
      let (first, cotangents) = backward(queries, group, adding: nil, cotangent: cotangent)
      let dx = network.inputGradient(first, in: arena)
      for (i, index) in group.enumerated() {
        let (scaling, v) = (scaling(of: queries[index]), cotangents[i])
        forEachValue(of: dx[i], denoiser.shape) { pointer, at in
          v[at] = scaling.input * pointer.pointee - scaling.shrink * v[at]
        }
        body(index, v.span)
      }
    }
  }

  /// Adds the gradients of every parameter of Σ vᵀr over all queries to `gradients`.
  ///
  /// - Parameter cotangent: called once for each query in order, with its index and r, which it
  ///   replaces by v.
  public func accumulate(
    _ queries: [EDMDenoiser.Query], into gradients: ParameterGradients,
    cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void
  ) {
    forEachGroup(queries, keeps: true) { group in
      _ = backward(queries, group, adding: gradients, cotangent: cotangent)
    }
  }

  private func forEachGroup(
    _ queries: [EDMDenoiser.Query], keeps: Bool, _ body: (Range<Int>) -> Void
  ) {
    let size = groupSize(keeps: keeps)
    for first in stride(from: 0, to: queries.count, by: size) {
      arena.release(to: .start)
      body(first..<min(first + size, queries.count))
    }
  }

  private func scaling(of query: EDMDenoiser.Query) -> EDMDenoiser.Preconditioning {
    EDMDenoiser.Preconditioning(
      sigma: query.sigma, sigmaData: denoiser.network.architecture.sigmaData)
  }

  /// Scratch memory for one planar image.
  private func makeImage() -> UnsafeMutableBufferPointer<Float> {
    let count = denoiser.shape.count
    return UnsafeMutableBufferPointer(start: arena.take(count), count: count)
  }

  private func forward(
    _ queries: [EDMDenoiser.Query], _ group: Range<Int>, keeps: Bool
  ) -> UNet.Cache {
    let (network, shape) = (denoiser.network, denoiser.shape)
    let x = network.makeInput(images: group.count, in: arena)
    var conditions: [NoiseEmbedding.Condition] = []
    conditions.reserveCapacity(group.count)
    for (i, index) in group.enumerated() {
      let query = queries[index]
      precondition(
        query.image.count == shape.count && query.noise.count == shape.count,
        "image and noise need \(shape.count) values, got \(query.image.count) and "
          + "\(query.noise.count)")
      let (scaling, image, noise) = (scaling(of: query), query.image.span, query.noise.span)
      forEachValue(of: x[i], shape) { pointer, at in
        pointer.pointee = scaling.input * (image[at] + query.sigma * noise[at])
      }
      conditions.append(.init(noise: scaling.noise, label: route(query.label).label))
    }
    let trunk = network.begin(x, keeps: keeps, in: arena)
    return network.forward(trunk, conditions: conditions, keeps: keeps, in: arena)
  }

  /// D(x + σε) − x from F.
  private func read(
    _ output: FeatureMap, of query: EDMDenoiser.Query,
    into residual: UnsafeMutableBufferPointer<Float>
  ) {
    let (scaling, image, noise) = (scaling(of: query), query.image.span, query.noise.span)
    forEachValue(of: output, denoiser.shape, head: route(query.label).head) { pointer, i in
      residual[i] = scaling.residual(pointer.pointee, image[i], noise[i])
    }
  }

  /// The gradient to the first convolution's output, and each query's v.
  private func backward(
    _ queries: [EDMDenoiser.Query], _ group: Range<Int>, adding gradients: ParameterGradients?,
    cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void
  ) -> (first: FeatureMap, cotangents: [UnsafeMutableBufferPointer<Float>]) {
    let (network, shape) = (denoiser.network, denoiser.shape)
    let cache = forward(queries, group, keeps: true)
    let dy = network.makeOutputGradient(images: group.count, in: arena)
    let cotangents = group.map { _ in makeImage() }
    for (i, index) in group.enumerated() {
      let v = cotangents[i]
      read(cache.output[i], of: queries[index], into: v)
      var span = v.mutableSpan
      cotangent(index, &span)
      let (scaling, head) = (scaling(of: queries[index]), route(queries[index].label).head)
      forEachValue(of: dy[i], shape, head: head) { pointer, at in
        pointer.pointee = scaling.out * v[at]
      }
    }
    return (network.backward(dy, cache: cache, gradients: gradients, in: arena), cotangents)
  }
}
